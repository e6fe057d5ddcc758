from farthing.model.routes import ANY, Cell, Table

PRIOR = Table(cells={(ANY, ANY): {"a": Cell("a", 0.8, 0.7), "b": Cell("b", 0.9, 0.8)}})
HELD = Table(3, 5, {(ANY, ANY): {"a": Cell("a", 1, 0.99)}, ("t", "task:qa"): {"b": Cell("b", 0, 0, state="locked")}})


def test_the_nearest_cell_counts_and_the_tenant_s_own_before_those_of_all() -> None:
    table = Table(cells={("t", ANY): {"a": Cell("a", 1, 0.9)}, (ANY, "task:qa"): {"a": Cell("a", 1, 0.5)}})
    for tenant, lower in (("t", 0.9), ("u", 0.5)):
        cell = table.cell(tenant, ("task:qa", ANY), "a")
        assert cell is not None and cell.lower == lower
    assert table.cell("u", (ANY,), "a") is None


def test_what_a_table_does_not_know_the_prior_says() -> None:
    table = HELD.over(PRIOR)
    assert (table.version, table.made_us) == (3, 5)
    assert {model: cell.lower for model, cell in table.cells[ANY, ANY].items()} == {"a": 0.99, "b": 0.8}
    assert ("t", "task:qa") in table.cells and ("t", "task:qa") not in PRIOR.cells


def test_a_lock_is_of_a_tenant_and_a_scope() -> None:
    assert HELD.lock("t", ("template:00", "task:qa", ANY)) == "b"
    assert HELD.lock("u", ("task:qa", ANY)) == "" and HELD.lock("t", (ANY,)) == ""


def test_a_template_counts_as_its_task_until_it_is_shown_to_differ() -> None:
    def table(template: Cell, task: Cell) -> Table:
        return Table(cells={("t", "template:x"): {"m": template}, ("t", "task:qa"): {"m": task}})

    scopes = ("template:x", "task:qa", ANY)
    few, many = Cell("m", 0.9, 0.6, 10, "measured"), Cell("m", 1.0, 0.99, 2000, "measured")
    assert table(few, many).cell("t", scopes, "m") == many
    assert table(many, few).cell("t", scopes, "m") == many
    out = Cell("m", 0.9, 0.0, 100, "demoted")
    assert table(out, many).cell("t", scopes, "m") == out
    assert table(few, out).cell("t", scopes, "m") == few
    assert Table(cells={("t", "template:x"): {"m": few}, ("t", ANY): {"m": many}}).cell("t", scopes, "m") == few
    assert Table(cells={("t", "template:x"): {"m": few}}).cell("t", scopes, "m") == few
