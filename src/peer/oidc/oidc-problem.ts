/** What went wrong with an OpenID Connect provider, for an administrator; it quotes no token and no person. */
export class OidcProblem extends Error {
  override readonly name = 'OidcProblem';
  readonly why: string;
  readonly remedy: string;
  /** `away`: it could not be asked, so trying again may help. `token`: it sent a token that is not accepted. */
  readonly kind: 'away' | 'refused' | 'token';

  constructor(
    { kind, why, remedy }: Pick<OidcProblem, 'kind' | 'why' | 'remedy'>,
    options?: ErrorOptions,
  ) {
    super(why, options);
    this.kind = kind;
    this.why = why;
    this.remedy = remedy;
  }
}
