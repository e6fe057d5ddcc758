"""OpenAI embeddings. No network, no prices; there is no stream."""

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import FarthingError
from farthing.model.usage import Reading
from farthing.wire import errors, splice
from farthing.wire.body import checked_model, parse
from farthing.wire.lenient import tidy
from farthing.wire.openai_chat import read_answer
from farthing.wire.tokens import whole_estimate
from farthing.wire.whole import WholeAnswer


class _Body(msgspec.Struct):
    model: str
    user: str | None = None


_SOFT = frozenset({"user"})
_body = msgspec.json.Decoder(_Body)


class OpenAIEmbeddings:
    name = "openai.embeddings"
    family = "openai"
    path = "/v1/embeddings"
    billed = True

    def ask(self, body: bytes) -> Ask:
        found = parse(body, _body, _SOFT)
        splice.refuse_doubles(body, (b'"model"',))
        return Ask(model=checked_model(found.model), max_output=0, user=tidy(found.user))

    def splice(self, body: bytes, ask: Ask, model: str) -> bytes:
        return splice.renamed(body, ask.model, model)

    def read(self, body: bytes, ask: Ask, dialect: str = "") -> Reading:
        return read_answer(body, ask, dialect)

    def estimate(self, request_body: bytes, answer_body: bytes, ask: Ask) -> Reading:
        return whole_estimate(request_body, b"{}", ask, "data")

    def stream(self, ask: Ask, dialect: str = "") -> WholeAnswer:
        return WholeAnswer(self.read, ask, dialect)

    def error(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_error(error, call_id)

    def error_event(self, error: FarthingError, call_id: str) -> bytes:
        return errors.openai_error(error, call_id)
