/** A check of SAML that failed: what an administrator is told. Quotes nothing of an assertion but what the settings name. */
export class SamlProblem extends Error {
  readonly remedy: string;

  /** @param what no capital, no full stop */
  constructor(what: string, remedy: string) {
    super(what);
    this.name = 'SamlProblem';
    this.remedy = remedy;
  }
}

/** The provider could not be asked. */
export class SamlProviderAway extends SamlProblem {}
