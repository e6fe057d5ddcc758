"""The words of a person in a message, without what tools, editors and quotes put around them.

Agents write much into the messages of their users: reminders, the state of an editor, files, the output of commands,
results of tools as plain text. None of it is what the person wants. Knows no wire format.
"""

import re
from itertools import islice

HEAD, TAIL = 4000, 2000
"""Characters kept of a longer text: what is wanted is said first or last."""
LONG_FENCE = 1500
"""Characters of fenced text above which it was pasted rather than written."""
ELISION = "\n[...]\n"
MOST_BLOCKS = 1000
"""Openings of blocks that are looked at in one message."""
MOST_SEARCHES = 50
"""Of these how many may be searched for their end in vain; a search goes through the whole message."""
LOOKED_AT = 48 * 1024
"""Characters at each end of a message that are looked through for quotes; what lies between is pasted."""

_ASKS = ("user_query", "userrequest", "user_request", "user_message", "feedback", "command-args")
"""Blocks in which agents put their user's own words."""
_TASK = "task"
"""The same for some, while others use it for part of a prompt: it counts where a message begins with it."""

_OTHERS = """
additional_data additional-data article attached_file attached_files attachment attachments background
bash-input bash-stderr bash-stdout blockquote chat_history command-contents command-message command-name
context contract conversation conversation-summary data diff doc docs document document_content
documents editorcontext email email_thread env environment_context environment_details environment_info example
examples file file_content file_contents filecontents files function_result function_results gitstatus history
ide_diagnostics ide_opened_file ide_selection input invoice item items local-command-caveat local-command-stderr
local-command-stdout log logs mail memories memory new-diagnostics notes observation open_files output page paper
passage passages patch post project_layout quote reminder reminderinstructions report repocontext result results
resume retrieved review reviews search_result search_results selection snippet source source_code sources
stderr stdout story system-reminder system_reminder system-notification task-notification text thread ticket
tool_output tool_response tool_result transcript user-prompt-submit-hook user_instructions user_rules web_page
webpage workspace_info
"""
QUOTED = frozenset(_OTHERS.split())
"""Names of blocks that hold what somebody else wrote, in lower case."""
_OPENING = re.compile(r"<([A-Za-z][A-Za-z_-]{2,40})(?:\s[^<>]{0,400})?>")

_RELAYED = (
    "[Request interrupted", "Caveat: The messages below", "This session is being continued from",
    "I have *added these files", "Here are summaries of some files", "I am not sharing any files",
    "# AGENTS.md instructions", "OBSERVATION:", "Observation:", "Tool result", "Tool output", "Tool Result",
    "Command output", "Output of command", "Function result", "Result of calling", "EXECUTION RESULT",
)  # fmt: skip
"""How messages begin that a program wrote in the person's name."""
_TOOL_LINE = re.compile(r"\[[a-z_]+(?: for [^\n]{0,300})?\] Result:")
"""The same for agents whose tools have no format of their own."""
_MAIL = re.compile(
    r"^(?:-{2,} ?(?:Original Message|Forwarded message|Urspr.ngliche Nachricht|Message d'origine) ?-{2,}.*"
    r"|On [^\n]{8,120} wrote:[ ]*|Am [^\n]{8,120} schrieb[^\n]{0,80}:[ ]*|Le [^\n]{8,120} a .crit ?:[ ]*"
    r"|From: [^\n]{1,200}\n(?:Sent|Date|To): [^\n]*)$",
    re.MULTILINE,
)
_FENCE = "```"


def words_of_person(text: str) -> str:
    """What the person says, cut to its beginning and end; empty if nothing in it is the person's own."""
    if len(text) > 2 * LOOKED_AT:
        text = text[:LOOKED_AT] + ELISION + text[-LOOKED_AT:]
    if text.startswith(_RELAYED) or (text.startswith("[") and _TOOL_LINE.match(text)):
        return ""
    if "<" in text and "</" in text:
        openings = list(islice(_OPENING.finditer(text), MOST_BLOCKS))
        text = _own_block(text, openings) or _without_blocks(text, openings)
    if ">" in text and (text.startswith(">") or "\n>" in text):
        text = "\n".join(line for line in text.split("\n") if not line.startswith(">"))
    if "\n" in text:
        text = _without_mail(text)
    if _FENCE in text and len(text) > LONG_FENCE:
        text = _without_long_fences(text)
    text = text.strip()
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + ELISION + text[-TAIL:]


def _own_block(text: str, openings: list[re.Match[str]]) -> str:
    """The last block that holds a user's own words; empty if there is none."""
    own = [match for match in reversed(openings) if match[1].lower() in _ASKS]
    if openings and openings[0][1].lower() == _TASK and not text[: openings[0].start()].strip():
        own.append(openings[0])
    for match in own[:MOST_SEARCHES]:
        end = text.find(f"</{match[1]}>", match.end())
        if end >= 0 and (inside := text[match.end() : end].strip()):
            return _without_blocks(inside, list(islice(_OPENING.finditer(inside), MOST_BLOCKS)))
    return ""


def _without_blocks(text: str, openings: list[re.Match[str]]) -> str:
    """The text between blocks of others. A block that is not closed is left alone."""
    kept: list[str] = []
    unclosed: set[str] = set()
    done = 0
    for match in openings:
        if match.start() < done or match[1].lower() not in QUOTED or match[1] in unclosed:
            continue
        closing = f"</{match[1]}>"
        at = text.find(closing, match.end())
        if at < 0:
            unclosed.add(match[1])
            if len(unclosed) >= MOST_SEARCHES:
                break
            continue
        kept.append(text[done : match.start()])
        done = at + len(closing)
    if not done:
        return text
    kept.append(text[done:])
    return "\n".join(filter(None, map(str.strip, kept)))


def _without_mail(text: str) -> str:
    """The text before a quoted e-mail, where there is any."""
    match = _MAIL.search(text)
    if match is None:
        return text
    return text[: match.start()].strip() or text


def _without_long_fences(text: str) -> str:
    """Long fenced texts give way to a mark that they were there."""
    pieces = text.split(_FENCE)
    for at in range(1, len(pieces), 2):
        if len(pieces[at]) > LONG_FENCE:
            pieces[at] = pieces[at].split("\n", 1)[0][:20] + ELISION
    return _FENCE.join(pieces)
