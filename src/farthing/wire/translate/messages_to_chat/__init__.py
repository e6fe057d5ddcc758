"""A Messages client, such as a coding agent, served by a provider that speaks chat completions."""

from farthing.model.call import Ask
from farthing.wire.translate import errors
from farthing.wire.translate.messages_to_chat import answer, request
from farthing.wire.translate.messages_to_chat.stream import Stream
from farthing.wire.translate.translation import StreamTranslator


class MessagesToChat:
    """See Translation."""

    def request(self, body: bytes, ask: Ask, model: str) -> bytes:
        return request.translate(body, ask, model)

    def answer(self, body: bytes, ask: Ask) -> bytes:
        return answer.translate(body, ask)

    def stream(self, ask: Ask) -> StreamTranslator:
        return Stream(ask)

    def error(self, status: int, body: bytes) -> bytes:
        return errors.for_messages(status, body)
