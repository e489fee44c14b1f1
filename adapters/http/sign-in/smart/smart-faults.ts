import type { SettingsFault } from 'waybill/adapter';
import { addressOf } from './ehr.ts';
import type { EhrValues, SmartValues } from './smart-settings.ts';

/** What is wrong with the settings of launches beyond their shape. */
export function smartFaults(
  smart: SmartValues | undefined,
  { cookies }: { readonly cookies: string },
): SettingsFault[] {
  if (smart === undefined) return [];
  const at = ['signIn', 'smart'];
  const faults: SettingsFault[] = [];
  const all = smart.ehrs.filter((one) => one !== undefined);
  if (all.length === 0) {
    faults.push({ path: [...at, 'ehrs'], what: 'names no EHR', remedy: 'Name one.' });
  }
  if (cookies === 'none') {
    faults.push({
      path: ['signIn', 'cookies'],
      what: 'a browser that comes back from an EHR gets its tokens in cookies',
      remedy: 'Set refresh or both.',
    });
  }
  for (const [index, one] of all.entries()) {
    const path = [...at, 'ehrs', String(index)];
    faults.push(...ehrFaults(one, path));
    const isTwice = all.slice(0, index).some((two) => addressOf(two.fhir) === addressOf(one.fhir));
    if (isTwice) {
      faults.push({
        path: [...path, 'fhir'],
        what: 'this EHR is there twice',
        remedy: 'Remove one of both: a launch could not tell which app it is.',
      });
    }
  }
  return faults;
}

function ehrFaults(
  { fhir, clientSecret, clientKey, ask }: EhrValues,
  path: readonly string[],
): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const fault = (name: string, what: string, remedy: string): void => {
    faults.push({ path: [...path, name], what, remedy });
  };
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(fhir.hostname);
  if (fhir.protocol !== 'https:' && !isHere) {
    fault('fhir', 'codes, tokens and records would come without encryption', 'Write https://.');
  }
  if (fhir.search !== '' || fhir.hash !== '') {
    fault('fhir', 'a base address has neither ? nor #', 'Leave out what is behind the path.');
  }
  if (clientSecret !== undefined && clientKey !== undefined) {
    fault('clientKey', 'an app has a secret or a key, not both', 'Remove one of both.');
  }
  if (ask.some((one) => /\s/.test(one))) {
    fault('ask', 'a scope has no blanks', 'Write one scope in each entry.');
  }
  return faults;
}
