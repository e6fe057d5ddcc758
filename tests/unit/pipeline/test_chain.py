from farthing.model.call import Answer, Ask, Call, Proceed
from farthing.pipeline import chain


class Passing:
    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        self.seen.append(f"{self.name} in")
        answer = await proceed(call)
        self.seen.append(f"{self.name} out")
        return answer


async def test_walks_the_steps_in_order_and_back() -> None:
    seen: list[str] = []

    async def upstream(call: Call) -> Answer:
        seen.append("upstream")
        return Answer(200, [], b"")

    proceed = chain([Passing("a", seen), Passing("b", seen)], upstream)
    asked = Call(id="1", wire="", headers={}, peer="", body=b"", ask=Ask(""), started_us=0, started=0)
    assert (await proceed(asked)).status == 200
    assert seen == ["a in", "b in", "upstream", "b out", "a out"]
