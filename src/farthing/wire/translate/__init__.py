"""Between chat completions and Messages, both ways: requests, answers, streams and errors.

Whatever the other format has no word for is refused with the field's name; what is dropped changes no answer. The tables
are in `chat_to_messages/fates.py` and `messages_to_chat/fates.py`, and for people in `docs/reference/translation.md`.
Bytes in, bytes out: knows nothing of HTTP, prices or providers' addresses.
"""

from farthing.wire.translate.chat_to_messages import ChatToMessages
from farthing.wire.translate.messages_to_chat import MessagesToChat
from farthing.wire.translate.translation import StreamTranslator, Translation

TRANSLATIONS: dict[tuple[str, str], Translation] = {
    ("openai.chat", "anthropic.messages"): ChatToMessages(),
    ("anthropic.messages", "openai.chat"): MessagesToChat(),
}
"""By the client's format and the provider's."""

__all__ = ["TRANSLATIONS", "StreamTranslator", "Translation"]
