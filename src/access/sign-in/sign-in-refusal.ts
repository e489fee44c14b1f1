import { ApiError } from '../../web/api-error.ts';

/**
 * A refused sign-in. Its message goes to the caller and tells a stranger nothing; `why` and
 * `remedy` are for the log and the administrator's sign-in trace, and contain no secret or token.
 */
export class SignInRefusal extends ApiError {
  /** The cause, for the administrator. */
  readonly why: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Value of `WWW-Authenticate`, if the caller is a program. */
  readonly challenge: string | undefined;

  constructor(
    told: {
      readonly status: 400 | 401 | 403 | 429;
      readonly text: string;
      readonly challenge?: string;
    },
    why: string,
    remedy = '',
  ) {
    const code =
      told.status === 429 ? 'TOO_MANY' : told.status === 403 ? 'FORBIDDEN' : 'SIGN_IN_REQUIRED';
    super(told.status, code, told.text);
    this.why = why;
    this.remedy = remedy;
    this.challenge = told.challenge;
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
