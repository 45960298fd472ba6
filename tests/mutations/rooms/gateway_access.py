"""Access to the gateway: rights, and tokens."""

from __future__ import annotations

from ..mutation import of_file

RIGHTS = "test_gateway_rights test_gateway_session test_gateway_access"

MUTATIONS = [
    *of_file(
        "atomic_store/gateway/protocol/rights.py",
        (
            "rights-by-prefix",
            "A right covers the scopes that begin with its prefix, and no others.",
            "return any(scope.startswith(prefix) for",
            "return any(scope.startswith(prefix) or prefix.startswith(scope) for",
            RIGHTS,
        ),
        (
            "a-function-decides-alone",
            "Without tokens, where a function decides, clients do not.",
            "{Right.DECIDE, Right.VALIDATE} if has_function else set()",
            "set()",
            RIGHTS,
        ),
    ),
    *of_file(
        "atomic_store/gateway/protocol/permission.py",
        (
            "right-to-read",
            "Querying and subscribing need the right to read.",
            "            return _missing(principal, Right.READ, covered(request))\n",
            "            return None\n",
            RIGHTS,
        ),
        (
            "right-to-read-of-all-that-is-asked",
            "Whoever asks for a prefix needs the right to read all that begins with it.",
            '    return request.scope or request.prefix or ""\n',
            '    return request.scope or request.prefix or "lot/"\n',
            RIGHTS,
        ),
        (
            "right-to-list",
            "Listing scopes needs the right to read.",
            "            return _missing(principal, Right.READ, request.prefix)\n",
            "            return None\n",
            RIGHTS,
        ),
        (
            "right-to-validate",
            "Offering to decide for others needs the right to validate.",
            "            return _missing(principal, Right.VALIDATE, request.prefix)\n",
            "            return None\n",
            RIGHTS,
        ),
        (
            "right-to-end-rounds",
            "Ending somebody's round needs the right to operate.",
            "            return _missing(principal, Right.OPERATE, request.scope)\n",
            "            return None\n",
            RIGHTS,
        ),
        (
            "right-to-operate",
            "Statistics, the store's facts and verifying need the right to operate.",
            '            return _missing(principal, Right.OPERATE, "")\n',
            "            return None\n",
            RIGHTS,
        ),
        (
            "right-to-propose",
            "Handing in events needs the right to propose.",
            "    fault = _missing(principal, Right.PROPOSE, scope)\n",
            "    fault = None\n",
            "test_gateway_proposals test_gateway_access",
        ),
        (
            "right-to-decide",
            "Deciding one's own proposals needs the right to decide.",
            "        fault = _missing(principal, Right.DECIDE, scope)\n",
            "        pass\n",
            "test_gateway_proposals test_gateway_access",
        ),
    ),
    *of_file(
        "atomic_store/gateway/access/tokens.py",
        (
            "tokens-are-compared-as-a-whole",
            "A token counts only if its whole hash is right.",
            "        is_right = hmac.compare_digest(entry.sha256, digest)\n",
            "        is_right = hmac.compare_digest(entry.sha256[:6], digest[:6])\n",
            "test_tokens",
        ),
        (
            "tokens-are-compared-in-constant-time",
            "Hashes are compared in constant time.",
            "        is_right = hmac.compare_digest(entry.sha256, digest)\n",
            "        is_right = entry.sha256 == digest\n",
            "test_tokens",
        ),
        (
            "tokens-are-kept-hashed",
            "Of a token only its SHA-256 is kept.",
            "    return sha256(token.encode()).digest()\n",
            "    return token.encode()[:32]\n",
            "test_tokens",
        ),
        (
            "tokens-expire",
            "A token that has expired lets nobody in.",
            "        if not is_right or entry is _NOBODY or entry.has_expired(now):\n",
            "        if not is_right or entry is _NOBODY:\n",
            "test_tokens test_token_file",
        ),
        (
            "open-connections-expire",
            "A token that has expired ends what was opened with it.",
            "return None if entry is None or entry.has_expired(now) else entry.principal",
            "return None if entry is None else entry.principal",
            "test_tokens test_token_file",
        ),
        (
            "tokens-have-one-form",
            "What has not the form of a token is not looked up.",
            "        if _TOKEN.fullmatch(token) is None:\n",
            "        if _TOKEN.match(token) is None:\n",
            "test_tokens",
        ),
        (
            "tokens-are-not-told",
            "No message and no log shows a token.",
            '    return _LOOKS_LIKE_ONE.sub(PREFIX + "…", text)\n',
            "    return text\n",
            "test_tokens test_refusal test_gateway_access",
        ),
    ),
    *of_file(
        "atomic_store/gateway/access/token_file.py",
        (
            "a-damaged-token-file",
            "A token file that is damaged leaves the tokens before it in force.",
            "        except BadTokenFile as error:\n            problem = str(error)\n",
            (
                "        except BadTokenFile as error:\n"
                "            return _Version(str(error), TokenSet())\n"
            ),
            "test_token_file",
        ),
        (
            "revoking-is-noticed",
            "Whoever has a connection hears of a token file that has changed.",
            "                on_change()\n            await trio.sleep(POLL_S)\n",
            "                pass\n            await trio.sleep(POLL_S)\n",
            "test_token_file",
        ),
    ),
]
