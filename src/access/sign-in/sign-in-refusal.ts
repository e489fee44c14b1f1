import { type ApiCode, ApiError } from '../../web/api-error.ts';

const CODES: Readonly<Record<number, ApiCode>> = {
  403: 'FORBIDDEN',
  429: 'TOO_MANY',
  503: 'CREDENTIAL_UNAVAILABLE',
};

/**
 * A refused sign-in. Its message goes to the caller and tells a stranger nothing; `why` and
 * `remedy` are for the log and the administrator's sign-in trace, and contain no secret or token.
 */
export class SignInRefusal extends ApiError {
  /** The cause, for the administrator. */
  readonly why: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Nothing was checked, since whoever knows could not be asked: this is not a failed guess. */
  readonly isUndecided: boolean;
  /** Value of `WWW-Authenticate`, if the caller is a program. */
  readonly challenge: string | undefined;

  constructor(
    told: {
      readonly status: 400 | 401 | 403 | 429 | 503;
      readonly text: string;
      readonly challenge?: string;
      readonly isUndecided?: boolean;
    },
    why: string,
    remedy = '',
  ) {
    super(told.status, CODES[told.status] ?? 'SIGN_IN_REQUIRED', told.text);
    this.why = why;
    this.remedy = remedy;
    this.challenge = told.challenge;
    this.isUndecided = told.isUndecided === true;
  }

  /** Whoever knows the person cannot be asked now. */
  static away(who: string, why: string, remedy: string): SignInRefusal {
    const text = `${who} cannot be asked right now, so nobody can be signed in by it: try again later; an administrator can see why`;
    return new SignInRefusal({ status: 503, text, isUndecided: true }, why, remedy);
  }

  /** A wrong name or password; the caller does not learn which. */
  static wrong(why: string): SignInRefusal {
    return new SignInRefusal(
      { status: 401, text: 'user or password is wrong' },
      why,
      'see waybill user list; set a new one with waybill user password',
    );
  }

  static tooSoon(wait: number): SignInRefusal {
    const seconds = Math.ceil(wait / 1_000);
    return new SignInRefusal(
      { status: 429, text: `too many failures; try again in ${seconds} s` },
      `too many earlier failures; the next try is checked in ${seconds} s`,
      'wait; setting a new password does not shorten it',
    );
  }

  /** A token that is not accepted; its bearer also learns `why`, as in RFC 6750. */
  static token(why: string, remedy: string): SignInRefusal {
    const description = why.replaceAll(/[^\x20-\x7e]|["\\]/g, "'");
    return new SignInRefusal(
      {
        status: 401,
        text: why,
        challenge: `Bearer error="invalid_token", error_description="${description}"`,
      },
      why,
      remedy,
    );
  }
}
