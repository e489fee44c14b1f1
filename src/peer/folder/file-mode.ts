import { bad, good, type Setting } from '../../adapter/setting.ts';

/**
 * Permission bits as `chmod` takes them: `0640`. A number is refused, since YAML and people
 * disagree about its base.
 */
export const fileMode: Setting<number, string> = {
  kind: 'text',
  help: 'The permissions of the files, as for chmod, in quotes. If left out, the side that stores the files decides.',
  example: '"0640"',
  advanced: true,
  read: (given) =>
    typeof given === 'string' && /^0?[0-7]{3}$/.test(given)
      ? good(Number.parseInt(given, 8))
      : bad('must be permissions in quotes, such as "0640"'),
};
