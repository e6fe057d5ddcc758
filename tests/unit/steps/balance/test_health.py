from farthing.settings import ModelSettings
from unit.steps.balance.scene import DOWN, MODEL, Scene, fails


async def test_what_is_shown_of_each_deployment() -> None:
    scene = Scene("a", "b", fallbacks=["other"], more={"other": ModelSettings("a", "gpt-4o")}, open_after=1)
    shown = {each.name: each for each in scene.health.snapshot()}
    assert shown.keys() == {f"a/{MODEL}", f"b/{MODEL}", "other"}
    assert shown[f"a/{MODEL}"].models == (MODEL,) and shown[f"a/{MODEL}"].instead == ()
    scene["a"].usual = fails(DOWN)
    for _ in range(8):
        await scene.ask()
    shown = {each.name: each for each in scene.health.snapshot()}
    out = shown[f"a/{MODEL}"]
    assert (out.state, out.why, out.failures, out.instead) == ("open", DOWN.message, 1, (f"b/{MODEL}", "other"))
    assert out.since_us > 1_700_000_000_000_000 and 0 < out.back_in_s <= 6
    assert shown[f"b/{MODEL}"].served == 8 and shown[f"b/{MODEL}"].total_ms >= 0


async def test_names_of_one_deployment_share_its_state() -> None:
    scene = Scene("a", more={"ours": ModelSettings("a", MODEL)})
    await scene.ask(model="ours")
    assert scene.health.places("ours")[0].state is scene.health.places(MODEL)[0].state
    assert scene.health.places("ours") is scene.health.places("ours")
