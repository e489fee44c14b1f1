import { setting } from 'waybill/adapter';
import { takeSettings } from 'waybill/peer';
import { graphSettings } from './graph-settings.ts';

/** The settings of `graph-mail-in`. */
export const graphInSettings = {
  ...graphSettings,
  folder: setting.text({
    help: 'The mail folder that is read: inbox, or a path of names such as Inbox/Lab.',
    default: 'inbox',
    example: 'Inbox/Lab',
  }),
  ...takeSettings,
  afterwards: setting.choice(
    {
      seen: 'It is marked as read; only unread mails are taken',
      flag: 'It gets the category Waybill; those that have it are not taken',
      archive: 'It is moved to the folder under archive',
      delete: 'It is deleted',
      keep: 'It stays as it is, and is remembered; needs only Mail.Read',
    },
    { help: 'What happens to a mail once its messages are stored.', default: 'archive' },
  ),
  archive: setting.text({
    help: 'Folder to which taken mails are moved; it is made if it is not there.',
    default: 'Waybill',
  }),
  failed: setting.optional(
    setting.text({
      help: 'Folder to which a mail is moved that can never be taken (too large, or refused for good). Left out, it stays and is reported once.',
      example: 'Waybill/Failed',
    }),
  ),
  every: setting.duration({ help: 'How often the folder is looked at.', default: '30s' }),
};

export type GraphInSettings = typeof graphInSettings;
export type GraphInValues = setting.ValuesOf<GraphInSettings>;
