from openai import AsyncOpenAI

from farthing.upstream.simulator import running


async def test_answers_the_official_client() -> None:
    async with running() as url, AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client:
        answer = await client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Tell me about ships."}]
        )
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.choices[0].message.content
    assert answer.usage is not None and answer.usage.prompt_tokens == 12
