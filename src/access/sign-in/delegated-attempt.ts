/** A name and a password to be checked, here or by whoever else signs people in. */
export interface DelegatedAttempt {
  readonly user: string;
  readonly password: string;
  readonly ip: string;
}
