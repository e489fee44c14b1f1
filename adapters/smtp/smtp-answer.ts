/** One answer of an SMTP server. */
export interface SmtpAnswer {
  /** The three digits; 0 if there are none. */
  readonly status: number;
  /** The digits with the enhanced code, if there is one: `550 5.1.1`. */
  readonly code: string;
  /** The server's text. It may quote an address, so it goes to the trace and never to a log. */
  readonly text: string;
}

/** Parses an answer; the last line counts. */
export function answerOf(response: string): SmtpAnswer {
  const [, status = '', enhanced] = /^(\d{3})(?:[ -](\d\.\d{1,3}\.\d{1,3}))?/.exec(response) ?? [];
  const lines = response
    .split(/\r?\n/)
    .map((line) => line.replace(/^\d{3}[ -]?(\d\.\d{1,3}\.\d{1,3} )?/, ''));
  return {
    status: Number(status),
    code: enhanced === undefined ? status : `${status} ${enhanced}`,
    text: lines.join(' '),
  };
}

/** What the enhanced codes mean to a support desk; RFC 3463 and the codes of Exchange. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/ \d\.1\.[16]$/, 'the mailbox does not exist'],
  [/ \d\.1\.2$/, 'the domain of the recipient is unknown'],
  [/ \d\.1\.[37]$/, 'the address is not valid'],
  [/ \d\.1\.8$/, 'the domain of the sender is unknown'],
  [/ \d\.2\.1$/, 'the mailbox is switched off'],
  [/ \d\.2\.2$/, 'the mailbox is full'],
  [/ \d\.(2\.3|3\.4)$/, 'the mail is too large'],
  [/ \d\.4\.[17]$/, 'the next server does not answer'],
  [/ \d\.5\.3$/, 'there are too many recipients'],
  [
    /^4\d\d 4\.7\.0$/,
    'the server refuses it for now, as where there are too many mails or connections',
  ],
  [/ \d\.7\.0$/, 'the security policy of the server forbids it'],
  [/ \d\.7\.1$/, 'the server does not relay for us or refuses the content'],
  [/ \d\.7\.3$/, 'the sign-in was not accepted'],
  [/ \d\.7\.8$/, 'user, password or token is not accepted'],
  [/ \d\.7\.9$/, 'the mechanism is too weak for the server'],
  [/ \d\.7\.1[12]$/, 'encryption or another password is needed'],
  [/ \d\.7\.57$/, 'the client did not sign in'],
  [/ \d\.7\.60$/, 'the account is not allowed to send as this sender'],
  [/ \d\.7\.139$/, 'sign-in by password is switched off for this tenant'],
  [/^535/, 'user, password or token is not accepted'],
  [/^(421|45\d)/, 'the server is busy or asks to try later'],
  [/^552/, 'the mail is too large or the mailbox is full'],
  [/^504/, 'the server does not support the mechanism'],
];

/** `: the mailbox is full`, or `''` for a code that says nothing more. */
export function meaning({ code }: Pick<SmtpAnswer, 'code'>): string {
  const found = MEANINGS.find(([pattern]) => pattern.test(code));
  return found === undefined ? '' : `: ${found[1]}`;
}
