"""A chat-completions client served by a provider that speaks Messages."""

from farthing.model.call import Ask
from farthing.wire.translate import errors
from farthing.wire.translate.chat_to_messages import answer, request
from farthing.wire.translate.chat_to_messages.stream import Stream
from farthing.wire.translate.translation import StreamTranslator


class ChatToMessages:
    """See Translation."""

    def request(self, body: bytes, ask: Ask, model: str) -> bytes:
        return request.translate(body, ask, model)

    def answer(self, body: bytes, ask: Ask) -> bytes:
        return answer.translate(body, ask)

    def stream(self, ask: Ask) -> StreamTranslator:
        return Stream(ask)

    def error(self, status: int, body: bytes) -> bytes:
        return errors.for_chat(status, body)
