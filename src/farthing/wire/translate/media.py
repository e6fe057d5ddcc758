"""Images and files: chat's `image_url` and `file` parts against Messages' `image` and `document` blocks.

Contents are not looked into, only their declared types.
"""

import base64
import binascii

from farthing.model.errors import BadRequest
from farthing.wire.translate import chat_request as chat
from farthing.wire.translate import messages_request as claude
from farthing.wire.translate.refusal import Refusal

PDF = "application/pdf"
_DEFAULT_NAME = "document.pdf"


def image_block(part: chat.ImagePart) -> claude.Image:
    """Raises Refusal for an URL that is neither a data URL nor http."""
    url = part.image_url.url
    source: claude.Base64Source | claude.UrlSource
    if url[:5].lower() == "data:":
        source = claude.Base64Source(*_opened(url, "image_url.url"))
    elif url[:8].lower().startswith(("http://", "https://")):
        source = claude.UrlSource(url)
    else:
        raise Refusal("image_url.url", "must be a data URL or start with http:// or https://", BadRequest)
    return claude.Image(source, cache_control(part.prompt_cache_breakpoint))


def document_block(part: chat.FilePart) -> claude.Document | claude.Image:
    """Raises Refusal for a file that cannot be shown to Claude."""
    file = part.file
    if file.file_data is None:
        raise Refusal("file.file_data", "is missing", BadRequest)
    media_type, data = _file_contents(file)
    mark = cache_control(part.prompt_cache_breakpoint)
    if media_type == PDF:
        return claude.Document(claude.Base64Source(PDF, data), title=file.filename, cache_control=mark)
    if media_type.startswith("image/"):
        return claude.Image(claude.Base64Source(media_type, data), mark)
    if media_type.startswith("text/"):
        return claude.Document(claude.TextSource(_text(data), "text/plain"), title=file.filename, cache_control=mark)
    raise Refusal("file.file_data", f"Claude reads PDF, text and images, not {media_type[:100]!r}")


def image_part(block: claude.Image) -> chat.ImagePart:
    """Raises Refusal for a file that lies at another provider."""
    return chat.ImagePart(chat.ImageUrl(_url(block.source)))


def document_parts(block: claude.Document) -> list[chat.UserPart]:
    """A PDF as a file part; text and blocks as parts of the same text, with title and context before them. Raises
    Refusal for what chat cannot carry."""
    source = block.source
    if isinstance(source, claude.FileSource):
        raise Refusal("source", "the file lies at another provider; send its contents")
    if isinstance(source, claude.UrlSource):
        raise Refusal("source", "chat completions take no URLs of documents; send the contents as base64")
    parts: list[chat.UserPart] = []
    if isinstance(source, claude.Base64Source):
        if source.media_type != PDF:
            raise Refusal("source.media_type", "must be application/pdf", BadRequest)
        if block.context:
            parts.append(chat.TextPart(block.context))
        name = block.title or _DEFAULT_NAME
        parts.append(chat.FilePart(chat.File(filename=name, file_data=f"data:{PDF};base64,{source.data}")))
        return parts
    head = "\n".join(filter(None, (block.title, block.context)))
    if head:
        parts.append(chat.TextPart(head))
    if isinstance(source, claude.TextSource):
        parts.append(chat.TextPart(source.data))
    elif isinstance(source.content, str):
        parts.append(chat.TextPart(source.content))
    else:
        parts.extend(chat.TextPart(b.text) if isinstance(b, claude.Text) else image_part(b) for b in source.content)
    return parts


def cache_control(mark: chat.CacheBreakpoint | None) -> claude.CacheControl | None:
    """A breakpoint's own lifetime is the least that it may have; an hour is the most that Claude keeps."""
    if mark is None:
        return None
    return claude.CacheControl("1h" if mark.ttl else None)


def _url(source: claude.Base64Source | claude.UrlSource | claude.FileSource) -> str:
    if isinstance(source, claude.Base64Source):
        return f"data:{source.media_type};base64,{source.data}"
    if isinstance(source, claude.UrlSource):
        return source.url
    raise Refusal("source", "the file lies at another provider; send its contents as base64 or an URL")


def _opened(url: str, field: str) -> tuple[str, str]:
    """Media type and base64 of a data URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise Refusal(field, "a data URL must hold base64: data:TYPE;base64,...", BadRequest)
    return head[5:-7].split(";", 1)[0].lower(), data


def _file_contents(file: chat.File) -> tuple[str, str]:
    data = file.file_data or ""
    if data[:5].lower() == "data:":
        return _opened(data, "file.file_data")
    if (file.filename or "").lower().endswith(".pdf"):
        return PDF, data
    raise Refusal(
        "file.file_data", "must be a data URL, which tells the type: data:application/pdf;base64,...", BadRequest
    )


def _text(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal("file.file_data", "is not base64 of UTF-8 text", BadRequest) from None
