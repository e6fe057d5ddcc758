"""The company goes on working, slowly, over HTTP and with the SDKs that its teams use."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress

import aiohttp
from anthropic import AnthropicError, AsyncAnthropic
from openai import AsyncOpenAI, OpenAIError

from farthing.demo.calendar import LAUNCHED
from farthing.demo.company import Ask, Feature, Heard, Moment

AT_ONCE = 6
SHORTEST_S, LONGEST_S = 0.5, 6.0
"""Between the answer of one turn and the next one: people here are quick."""
ROUTED = Moment(routed=True)


class Team:
    """Clients that carry the team's key. Retries are the gateway's."""

    def __init__(self, url: str, key: str) -> None:
        self.openai = AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self.anthropic = AsyncAnthropic(base_url=url, api_key=key, max_retries=0)

    async def ask(self, wanted: Ask) -> Heard:
        """Raises what the SDKs raise."""
        headers = {f"x-farthing-{name}": value for name, value in wanted.tags.items() if value}
        if wanted.wire == "anthropic.messages":
            message = await self.anthropic.messages.create(**wanted.body, extra_headers=headers)
            return Heard(200, blocks=[block.model_dump(exclude_none=True) for block in message.content])
        answer = await self.openai.chat.completions.create(**wanted.body, extra_headers=headers)
        if not wanted.body.get("stream"):
            return Heard(200, text=answer.choices[0].message.content or "")
        text = ""
        async for chunk in answer:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        return Heard(200, text=text)

    async def close(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


class Live:
    """See the module. `keys`: secret by team; `done` hears of each call."""

    def __init__(
        self, url: str, keys: Mapping[str, str], done: Callable[[], None] = lambda: None, seed: int | None = None
    ) -> None:  # fmt: skip
        self._url = url
        self._keys = keys
        self._done = done
        self._dice = random.Random(seed)
        self._teams = {team: Team(url, key) for team, key in keys.items()}
        self._number = 0

    async def work(self, pieces: int | None = None, pause_s: float = 0.8) -> None:
        """So many pieces of work; None: until it is cancelled. About one begins each `pause_s`."""
        turn = asyncio.Semaphore(AT_ONCE)
        weights = [feature.a_day for feature in LAUNCHED]
        try:
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
                while pieces is None or self._number < pieces:
                    self._number += 1
                    feature = self._dice.choices(LAUNCHED, weights)[0]
                    await turn.acquire()
                    group.create_task(self._piece(feature, session)).add_done_callback(lambda _: turn.release())
                    await asyncio.sleep(self._dice.expovariate(1 / pause_s) if pause_s else 0)
        finally:
            for team in self._teams.values():
                await team.close()

    async def _piece(self, feature: Feature, session: aiohttp.ClientSession) -> None:
        dice = random.Random(self._dice.getrandbits(48))
        user = dice.choice(feature.users)
        script = feature.work(dice, user, ROUTED, f"live-{dice.getrandbits(40):010x}")
        wanted = next(script, None)
        transaction = wanted.tags.get("transaction", "") if wanted is not None else ""
        with suppress(OpenAIError, AnthropicError, aiohttp.ClientError):  # the gateway's ledger says what was refused
            while wanted is not None:
                heard = await self._teams[feature.team].ask(wanted)
                self._done()
                wanted = _next(script.send, heard)
                if wanted is not None:
                    await asyncio.sleep(min(LONGEST_S, max(SHORTEST_S, wanted.pause_s / 20)))
            if transaction:
                await self._end(transaction, feature.team, resolved=dice.random() < 0.86, session=session)

    async def _end(self, transaction: str, team: str, *, resolved: bool, session: aiohttp.ClientSession) -> None:
        await session.post(
            f"{self._url}/v1/farthing/transactions/{transaction}/outcome",
            json={"outcome": "resolved" if resolved else "failed", **({} if resolved else {"human_minutes": 9})},
            headers={"authorization": f"Bearer {self._keys[team]}"},
        )


def _next(send: Callable[[Heard], Ask], heard: Heard) -> Ask | None:
    try:
        return send(heard)
    except StopIteration:
        return None
