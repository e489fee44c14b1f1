import { setting } from 'waybill/adapter';
import { putAwaySettings, takeSettings } from 'waybill/peer/mail';
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
  ...putAwaySettings({
    flag: 'It gets the category Waybill; those that have it are not taken',
    keep: 'needs only Mail.Read',
  }),
  every: setting.duration({ help: 'How often the folder is checked.', default: '30s' }),
};

export type GraphInSettings = typeof graphInSettings;
export type GraphInValues = setting.ValuesOf<GraphInSettings>;
