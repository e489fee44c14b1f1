import { isEngineError } from '../../error/engine-error.ts';
import type { Scope } from '../expression.ts';
import { ExpressionFault } from '../fault.ts';
import type { JwtName } from '../jwt-name.ts';
import type { TokenAnswers } from '../token-answers.ts';
import type { TokenClaims } from '../token-keys.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions for JSON Web Tokens. `scope` gives the message that is being evaluated. */
export function jwtFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  const verified = (key: string, token: string): TokenClaims =>
    tokens(scope()).of(`verify ${key} ${token}`, (keys) => keys.verify(key, token));
  return [
    {
      signature: 'Jwt.sign(string, map<string, dyn>): string',
      help: 'A token with these claims, signed with the credential of kind jwt-key that is named; it adds iat, exp and jti: jwt.sign("portal", {"sub": field("PID-3.1")}). In rules and transforms.',
      call: (_: JwtName, key: string, claims: TokenClaims) => {
        const plain = plainValue(claims) as TokenClaims;
        return tokens(scope()).of(`sign ${key} ${JSON.stringify(plain)}`, (keys) =>
          keys.sign(key, plain),
        );
      },
    },
    {
      signature: 'Jwt.verify(string, string): map<string, dyn>',
      help: 'The claims of a token, checked with the credential of kind jwt-key that is named: jwt.verify("portal", json("/token")).sub. Fails with the check that failed. In rules and transforms.',
      call: (_: JwtName, key: string, token: string) => verified(key, token),
    },
    {
      signature: 'Jwt.problem(string, string): string',
      help: 'Why jwt.verify would refuse a token, such as "the token has expired (exp) …"; "" for a valid one. In rules and transforms.',
      call: (_: JwtName, key: string, token: string) => problemOf(() => verified(key, token)),
    },
  ];
}

function tokens({ tokens: found }: Scope): TokenAnswers {
  if (found !== undefined) return found;
  throw new ExpressionFault('jwt works in rules and steps of transforms only');
}

function problemOf(verify: () => unknown): string {
  try {
    verify();
    return '';
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'CREDENTIAL_REFUSED') throw error;
    return /^credential \S+: (.*?)\. /s.exec(error.message)?.[1] ?? error.message;
  }
}

/** The expression language's whole numbers are big integers, which JSON does not have. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return Math.floor(value.getTime() / 1_000);
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Map) return plainValue(Object.fromEntries(value));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plainValue(one)]));
}
