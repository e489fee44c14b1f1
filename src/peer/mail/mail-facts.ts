/** What the head of a mail says of it; `''` for what is missing. */
export interface MailFacts {
  readonly messageId: string;
  /** Name and address. */
  readonly sender: string;
  readonly subject: string;
}

/** Reads the head of a mail; what follows it is ignored. */
export async function mailFacts(beginning: Buffer): Promise<MailFacts> {
  const end = beginning.indexOf('\r\n\r\n');
  const { simpleParser } = await import('mailparser');
  const { messageId, from, subject } = await simpleParser(
    end < 0 ? beginning : beginning.subarray(0, end + 4),
  );
  return { messageId: messageId ?? '', sender: from?.text ?? '', subject: subject ?? '' };
}
