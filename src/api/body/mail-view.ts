import type { AddressObject, ParsedMail } from 'mailparser';
import type { MailView } from '../contract/body.ts';

/** A mail as people read it: sender, time, subject, text and attachments. HTML is reduced to its text. */
export async function mailView(bytes: Uint8Array): Promise<Omit<MailView, 'messageId' | 'masked'>> {
  const { simpleParser } = await import('mailparser');
  const mail = await simpleParser(Buffer.from(bytes), { skipImageLinks: true });
  return {
    subject: mail.subject,
    from: namesOf(mail.from),
    to: namesOf(mail.to),
    cc: namesOf(mail.cc),
    date: mail.date?.getTime(),
    text: textOf(mail),
    html: typeof mail.html === 'string',
    headers: [...mail.headerLines].map(({ line }) => {
      const at = line.indexOf(':');
      return {
        name: line.slice(0, at),
        value: line
          .slice(at + 1)
          .replaceAll(/\s+/g, ' ')
          .trim(),
      };
    }),
    attachments: mail.attachments.map(({ filename, contentType, size }) => ({
      name: filename,
      type: contentType,
      size,
    })),
  };
}

function namesOf(addresses: AddressObject | readonly AddressObject[] | undefined): string[] {
  if (addresses === undefined) return [];
  const all: readonly AddressObject[] = Array.isArray(addresses) ? addresses : [addresses];
  return all.map(({ text }) => text).filter((text) => text !== '');
}

/** The text of a mail; the parser converts HTML to text only if the mail has nothing else. */
function textOf({ text = '', html }: ParsedMail): string {
  return text.trim() === '' && typeof html === 'string' ? textOfHtml(html) : text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

function textOfHtml(html: string): string {
  return withoutHidden(html)
    .replaceAll(/<br\b[^<>]*>|<\/(?:p|div|tr|li|h\d)\s*>/gi, '\n')
    .replaceAll(/<[^<>]*>/g, '')
    .replaceAll(/&(\w+);/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole)
    .replaceAll(/&#(\d{1,5});/g, (_whole, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** HTML reduced to what a browser shows; linear in the length, whatever a sender wrote. */
function withoutHidden(html: string): string {
  const begin = /<(?:script|style|head)\b/gi;
  const end = /<\/(?:script|style|head)\b/gi;
  let shown = '';
  let at = 0;
  for (;;) {
    begin.lastIndex = at;
    const hidden = begin.exec(html);
    if (hidden === null) return shown + html.slice(at);
    shown += html.slice(at, hidden.index);
    end.lastIndex = hidden.index;
    const over = end.exec(html);
    if (over === null) return shown;
    at = over.index;
  }
}
