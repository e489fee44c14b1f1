/** Why a ticket is not taken, or could not be got, in words for whoever runs the installation. */
export class KerberosProblem extends Error {
  readonly remedy: string;
  /** Whether the same may work later without anybody changing anything. */
  readonly passing: boolean;

  constructor(what: string, remedy: string, passing = false) {
    super(what);
    this.name = 'KerberosProblem';
    this.remedy = remedy;
    this.passing = passing;
  }
}
