"""The scripts that complete `manage.py s3` in bash and zsh, made from the parsers of the subcommands."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

_PLACES = frozenset({"PLACE", "SOURCE", "TARGET"})
_LOCAL = frozenset({"SOURCE", "TARGET"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What completes the words of one subcommand. `values` has the choices of options and of the argument `""`."""

    options: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    free: tuple[str, ...]
    places: bool
    local: bool


def words_of(parser: ArgumentParser, aliases: Iterable[str]) -> Words:
    """Return what completes the words of a subcommand."""
    actions = [action for action in parser._actions if action.help != SUPPRESS]
    values: dict[str, tuple[str, ...]] = {}
    free: list[str] = []
    for action in actions:
        for flag in action.option_strings or [""]:
            if action.choices:
                values[flag] = tuple(map(str, action.choices))
            elif action.metavar == "ALIAS":
                values[flag] = tuple(aliases)
            elif flag and action.nargs not in (0, "?"):
                free.append(flag)
    metavars = {action.metavar for action in actions if not action.option_strings}
    options = sorted(flag for action in actions for flag in _long(action))
    return Words(
        options=tuple(options),
        values=values,
        free=tuple(sorted(free)),
        places=bool(metavars & _PLACES),
        local=bool(metavars & _LOCAL),
    )


def _long(action: Action) -> Sequence[str]:
    return [flag for flag in action.option_strings if flag.startswith("--")] or action.option_strings


def script(shell: str, verbs: Mapping[str, Words], aliases: Iterable[str]) -> str:
    """Return the script for `bash` or `zsh`."""
    template = {"bash": _BASH, "zsh": _ZSH}[shell]
    cases = "\n".join(line for verb, words in sorted(verbs.items()) for line in _cases(verb, words))
    marked = {"@VERBS@": _list(sorted(verbs)), "@ALIASES@": _list(f"{alias}:" for alias in aliases), "@CASES@": cases}
    marked["@PLACES@"] = _list(verb for verb, words in verbs.items() if words.places)
    marked["@LOCAL@"] = _list(verb for verb, words in verbs.items() if words.local)
    for mark, text in marked.items():
        template = template.replace(mark, text)
    return template


def _cases(verb: str, words: Words) -> Iterable[str]:
    """Yield the lines of `case "$verb $before"`: the previous word says what comes next."""
    for flag, values in sorted(words.values.items()):
        if flag:
            yield f"        {quote(f'{verb} {flag}')}) _s3store_found=({_list(values)}); return ;;"
    if words.free:
        patterns = "|".join(quote(f"{verb} {flag}") for flag in words.free)
        yield f"        {patterns}) _s3store_found=(); return ;;"
    chosen = words.values.get("", ())
    yield f"        {quote(verb)}\\ *) _s3store_options=({_list(words.options)}); _s3store_found=({_list(chosen)}) ;;"


def _list(words: Iterable[str]) -> str:
    return " ".join(quote(word) for word in words)


# What both shells read. `words` are those of the line, `at` is the index of `s3`, and `current` is the last one.
_SHARED = """
_s3store_offer() {
    local current="$1" verb="$2" before="$3"
    shift 3
    _s3store_found=() _s3store_options=()
    if [ -z "$verb" ]; then
        _s3store_found=(@VERBS@)
        return
    fi
    case "$verb $before" in
@CASES@
    esac
    case "$current" in
        -*) _s3store_found=("${_s3store_options[@]}"); return ;;
    esac
    case " @PLACES@ " in
        *" $verb "*) ;;
        *) return ;;
    esac
    case "$current" in
        *:*)
            # The same command as the one that is being typed lists the names.
            local line
            _s3store_found=()
            while IFS= read -r line; do
                _s3store_found+=("$line")
            done < <("$@" completion --paths "$current" 2>/dev/null </dev/null)
            ;;
        *) _s3store_found=(@ALIASES@) ;;
    esac
}
"""

_BASH = (
    """# Completes manage.py s3 in bash. Put this line into ~/.bashrc:
#     eval "$(python manage.py s3 completion bash)"
"""
    + _SHARED
    + r"""
_s3store_complete() {
    local -a words=()
    local i word rest="$COMP_LINE"
    # bash also splits words at colons. Those without a space between them belong together.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        if [[ $i -gt 0 && $rest != [[:space:]]* ]]; then
            words[${#words[@]} - 1]+="$word"
        else
            words+=("$word")
        fi
        rest="${rest#"${rest%%[![:space:]]*}"}"
        rest="${rest#"$word"}"
    done
    local last=$((${#words[@]} - 1)) at=0
    for ((i = 1; i < last; i++)); do
        if [[ ${words[i]} == s3 && ${words[i - 1]} =~ (manage\.py|django-admin|^django)$ ]]; then
            at=$i
            break
        fi
    done
    COMPREPLY=()
    if ((at == 0)); then
        local before="_s3store_before_${1##*/}"
        before="${before//[^A-Za-z0-9_]/_}"
        if [[ -n ${!before-} ]]; then
            "${!before}" "$@"
        fi
        return
    fi
    local current="${words[last]}" verb="" quoted="" known=" @VERBS@ "
    for ((i = at + 1; i < last; i++)); do
        if [[ $known == *" ${words[i]} "* ]]; then
            verb="${words[i]}"
            break
        fi
    done
    if [[ $current == [\"\']* ]]; then
        quoted="${current:0:1}"
        current="${current:1}"
    else
        current="${current//\\/}"
    fi
    local -a _s3store_found _s3store_options
    _s3store_offer "$current" "$verb" "${words[last - 1]}" "${words[@]:0:at+1}"
    # Readline replaces only what follows the last colon, unless the word is quoted.
    local hidden=""
    if [[ -z $quoted && $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        hidden="${current%"${current##*:}"}"
    fi
    for word in "${_s3store_found[@]}"; do
        [[ $word == "$current"* ]] || continue
        # A name must not end the quotes that somebody has opened.
        [[ -n $quoted && $word == *[\"\'\$\`\\\!]* ]] && continue
        if [[ $word == *[:/] ]]; then
            compopt -o nospace 2>/dev/null
        fi
        word="${word#"$hidden"}"
        [[ -z $quoted ]] && printf -v word %q "$word"
        COMPREPLY+=("$word")
    done
    local with_files=" @LOCAL@ "
    if [[ $with_files == *" $verb "* && $current != -* && $current != *:* ]]; then
        while IFS= read -r word; do
            compopt -o filenames 2>/dev/null
            COMPREPLY+=("$word")
        done < <(compgen -f -- "$current")
    fi
}

for _s3store_name in manage.py django-admin python python3; do
    _s3store_line="$(complete -p "$_s3store_name" 2>/dev/null)"
    if [[ $_s3store_line == *" -F "* && $_s3store_line != *_s3store_complete* ]]; then
        _s3store_line="${_s3store_line##* -F }"
        printf -v "_s3store_before_${_s3store_name//[^A-Za-z0-9_]/_}" %s "${_s3store_line%% *}"
    fi
    complete -o bashdefault -o default -F _s3store_complete "$_s3store_name"
done
unset _s3store_name _s3store_line
"""
)

_ZSH = (
    """# Completes manage.py s3 in zsh. Put this line into ~/.zshrc, after compinit:
#     eval "$(python manage.py s3 completion zsh)"
"""
    + _SHARED
    + r"""
_s3store_complete() {
    emulate -L zsh
    local -i i at=0
    local current="${(Q)words[CURRENT]}" verb="" word
    local -a known=(@VERBS@) with_files=(@LOCAL@)
    for ((i = 2; i < CURRENT; i++)); do
        if [[ ${words[i]} == s3 && ${words[i - 1]} == (*manage.py|*django-admin|django) ]]; then
            at=$i
            break
        fi
    done
    if ((at == 0)); then
        ${_s3store_before[${words[1]:t}]:-_default}
        return
    fi
    for ((i = at + 1; i < CURRENT; i++)); do
        if ((${known[(Ie)${words[i]}]})); then
            verb="${words[i]}"
            break
        fi
    done
    local -a _s3store_found _s3store_options open closed
    _s3store_offer "$current" "$verb" "${words[CURRENT - 1]}" "${(@Q)words[1,at]}"
    for word in "${_s3store_found[@]}"; do
        [[ $word == *[:/] ]] && open+=("$word") || closed+=("$word")
    done
    compadd -S '' -- "${open[@]}"
    compadd -- "${closed[@]}"
    if ((${with_files[(Ie)$verb]})) && [[ $current != -* && $current != *:* ]]; then
        _files
    fi
}

typeset -gA _s3store_before _comps
for _s3store_name in manage.py django-admin python python3; do
    if [[ ${_comps[$_s3store_name]-} != _s3store_complete ]]; then
        _s3store_before[$_s3store_name]="${_comps[$_s3store_name]:-_default}"
    fi
    compdef _s3store_complete $_s3store_name
done
unset _s3store_name
"""
)
