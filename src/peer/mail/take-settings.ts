import {
  choice,
  flag,
  list,
  optional,
  type Setting,
  size,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { filePattern } from '../folder/file-pattern.ts';

/** The settings of every adapter that takes mails: which ones, and which parts become a message. */
export const takeSettings = {
  from: optional(
    text({
      help: 'Only mails whose sender contains this; case is ignored. Others are left alone.',
      example: '@lab.example',
    }),
  ),
  subject: optional(text({ help: 'Only mails whose subject contains this.', example: 'Befund' })),
  limit: size({ help: 'Larger mails are not taken.', default: '150MB', advanced: true }),
  take: choice(
    {
      attachments:
        'One message for each attached file; forwarded and signed mails and winmail.dat are opened',
      mail: 'The whole mail unchanged, of type message/rfc822',
      text: 'The text of the mail',
      parts: 'One JSON document with addresses, subject, texts and attachments (in base64)',
    },
    { help: 'What becomes a message.', default: 'attachments' },
  ),
  pattern: list(filePattern, {
    help: 'Which attachments are taken, by name. Several patterns may be given; case matters. A pattern that matches a forwarded mail, a signature or winmail.dat itself takes it unopened.',
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
      skip: 'It is set aside like a taken one, and an event reports it',
    },
    { help: 'What happens to a mail without a matching attachment.', default: 'mail' },
  ),
};

type Afterwards = 'seen' | 'flag' | 'archive' | 'delete' | 'keep';

interface PutAwaySettings {
  readonly afterwards: Setting<Afterwards, Afterwards | undefined>;
  readonly archive: Setting<string, string | undefined>;
  readonly failed: Setting<string | undefined, string | undefined>;
}

/**
 * What happens to a mail once it was taken: the same for every adapter that takes mails, except how
 * a folder is named and what can be done without write permission.
 */
export const putAwaySettings = (help: {
  readonly flag: string;
  readonly keep: string;
}): PutAwaySettings => ({
  afterwards: choice(
    {
      seen: 'It is marked as read; only unread mails are taken',
      flag: help.flag,
      archive: 'It is moved to the folder under archive',
      delete: 'It is deleted',
      keep: `It stays as it is, and is remembered; ${help.keep}`,
    },
    { help: 'What happens to a mail once its messages are stored.', default: 'archive' },
  ),
  archive: text({
    help: 'Folder to which taken mails are moved; it is created if missing.',
    default: 'Waybill',
  }),
  failed: optional(
    text({
      help: 'Folder for mails that can never be taken (too large, or permanently refused). If left out, such a mail stays and is reported once.',
      example: 'Waybill/Failed',
    }),
  ),
});

export type TakeSettings = ValuesOf<typeof takeSettings>;
