export {
  type Letter,
  type LetterAttachment,
  type LetterSettings,
  letter,
  letterSettings,
} from '../mail/letter.ts';
export { type MailFacts, mailFacts } from '../mail/mail-facts.ts';
export { type MailFate, MailIntake } from '../mail/mail-intake.ts';
export { mailMessages } from '../mail/mail-messages.ts';
export {
  type MailDocument,
  type MailDocumentAddress,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
  type PartFacts,
} from '../mail/mail-part.ts';
export { cutWhenStopped, openMailbox } from '../mail/mail-sessions.ts';
export { type Mailbox, mailboxesIn } from '../mail/mailbox.ts';
export { mailboxSettings } from '../mail/mailbox-settings.ts';
export { charsetOf, type Enclosed, fileName, mimeParts } from '../mail/mime-parts.ts';
export { Opening, oneOf } from '../mail/opened-parts.ts';
export { bearerProof, passwordProof } from '../mail/sasl.ts';
export { putAwaySettings, type TakeSettings, takeSettings } from '../mail/take-settings.ts';
export { type MailTokenTest, testToken } from '../mail/test-token.ts';
export { tryMailbox } from '../mail/try-mailbox.ts';
