import { explained } from '../../adapter/adapter.ts';
import { StepFailure } from '../../adapter/test-step.ts';
/** What went wrong with an OpenID Connect provider, for an administrator; it quotes no token and no person. */
export class OidcProblem extends Error {
  override readonly name = 'OidcProblem';
  readonly why: string;
  readonly remedy: string;
  /** `away`: it could not be asked, so trying again may help. `token`: it sent a token that is not accepted. */
  readonly kind: 'away' | 'refused' | 'token';
  /** The provider's own word for it, such as `access_denied`; `''` if it gave none. */
  readonly said: string;

  constructor(
    {
      kind,
      why,
      remedy,
      said = '',
    }: Pick<OidcProblem, 'kind' | 'why' | 'remedy'> & { readonly said?: string },
    options?: ErrorOptions,
  ) {
    super(why, options);
    this.kind = kind;
    this.said = said;
    this.why = why;
    this.remedy = remedy;
  }
}

/** What it throws names cause and remedy of a step. */
export async function toldInOidcStep<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await explained(work);
  } catch (error) {
    const cause = error instanceof StepFailure ? error.cause : error;
    if (!(cause instanceof OidcProblem)) throw error;
    throw new StepFailure(cause.why, cause.remedy, { cause });
  }
}
