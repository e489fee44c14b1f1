import { choice, flag, list, optional, size, text, type ValuesOf } from '../../adapter/setting.ts';
import { filePattern } from '../folder/file-pattern.ts';

/** The settings of every adapter that takes mails: which, and what of them becomes a message. */
export const takeSettings = {
  from: optional(
    text({
      help: 'Only mails whose sender contains this; case does not matter. Others are left alone.',
      example: '@lab.example',
    }),
  ),
  subject: optional(text({ help: 'Only mails whose subject contains this.', example: 'Befund' })),
  limit: size({ help: 'Larger mails are not taken.', default: '150MB', advanced: true }),
  take: choice(
    {
      attachments:
        'One message for each attached file; forwarded and signed mails and winmail.dat are opened',
      mail: 'The whole mail as it came, of type message/rfc822',
      text: 'The text of the mail',
      parts: 'One JSON document with addresses, subject, texts and attachments (in base64)',
    },
    { help: 'What becomes a message.', default: 'attachments' },
  ),
  pattern: list(filePattern, {
    help: 'Which attachments are taken, by name. Several patterns may be given; case matters. A pattern that names a forwarded mail, a signature or winmail.dat itself takes it unopened.',
    default: ['*'],
    example: '*.hl7',
  }),
  embedded: flag({
    help: 'Also takes pictures that are shown within the text, such as the logo of a signature.',
    default: false,
    advanced: true,
  }),
  withoutAttachment: choice(
    {
      mail: 'The whole mail is taken instead',
      skip: 'It is put aside like a taken one, and an event tells of it',
    },
    { help: 'What happens to a mail without a fitting attachment.', default: 'mail' },
  ),
};

export type TakeSettings = ValuesOf<typeof takeSettings>;
