import { domainToASCII } from 'node:url';
import addressparser from 'nodemailer/lib/addressparser';
import { SuspendError } from '../../error/adapter-error.ts';

export interface Mailbox {
  /** `''` if there is none. */
  readonly name: string;
  /** Its domain is in DNS form (`xn--…`), which every server accepts. */
  readonly address: string;
}

/**
 * Reads addresses that are separated by commas or semicolons. Throws a SuspendError that names
 * `setting` if one is not an address; it is not quoted.
 */
export function mailboxesIn(text: string, setting: string): Mailbox[] {
  const found = addressparser(oneLine(text).replaceAll(';', ','), { flatten: true });
  return found.map(({ name, address }) => {
    const known = isAddress(address) && !/[<>@]/.test(name) ? inDnsForm(address) : undefined;
    if (known !== undefined) return { name, address: known };
    throw new SuspendError(
      `${setting} gave something that is not a mail address. A value in braces is one address, never several. Correct the template, or the message, and resend.`,
    );
  });
}

/** A value from a template must not start another header. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

/** Checks only the form. Anything that could end an SMTP command or start a header is not an address. */
function isAddress(text: string): boolean {
  return /^[^\s@<>(),;:\\"[\]]+@[^\s@<>(),;:\\"]+$/.test(text);
}

/** `klinik-süd.example` is `xn--klinik-sd-x9a.example` to servers. The part before the @ stays as it is. */
function inDnsForm(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  if (/^\p{ASCII}+$/u.test(domain)) return address;
  const written = domainToASCII(domain);
  return written === '' ? undefined : `${address.slice(0, at)}@${written}`;
}
