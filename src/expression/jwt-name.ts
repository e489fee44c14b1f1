/** The type of the variable `jwt`, which exists for its methods. */
export class JwtName {
  readonly name = 'jwt';
}

/** The methods of `jwt`; no other type has methods of these names. */
export const TOKEN_METHODS: ReadonlySet<string> = new Set(['sign', 'verify', 'problem']);
