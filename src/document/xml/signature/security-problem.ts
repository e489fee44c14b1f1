import { EngineError } from '../../../error/engine-error.ts';

/** The codes of WS-Security 1.1 §12; `MessageExpired` is of its utility namespace. */
export type SecurityCode =
  | 'UnsupportedAlgorithm'
  | 'InvalidSecurity'
  | 'InvalidSecurityToken'
  | 'FailedAuthentication'
  | 'FailedCheck'
  | 'SecurityTokenUnavailable'
  | 'MessageExpired';

/** What is wrong with a signature, or with the security of an envelope; the text quotes nothing of it. */
export class SecurityProblem extends EngineError {
  readonly fault: SecurityCode;

  /** @param what no capital, no full stop */
  constructor(fault: SecurityCode, what: string) {
    super('CREDENTIAL_REFUSED', what);
    this.fault = fault;
  }
}
