import { setting } from 'waybill/adapter';

/** The name of an application: up to 16 characters of ASCII, no backslash (PS3.5 6.2, AE). Case counts. */
export const aeTitle: setting.Declare<string, string> = (
  about: setting.About<string>,
): setting.Setting<string, string> => ({
  kind: 'text',
  ...about,
  read: (given) =>
    typeof given === 'string' &&
    /^[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?$/.test(given)
      ? setting.good(given)
      : setting.bad('must be an AE title: 1 to 16 characters of ASCII without a backslash'),
});
