import { isReplyKey, REPLY_ACTIONS } from '../../flow/reply-rules.ts';
import { REPLY_PROBLEMS } from '../../message/message.ts';
import { below, type Form, report } from '../form/form.ts';
import { textOf } from '../form/setting-form.ts';
import { suggestion } from '../problem.ts';
import type { Written } from '../written/written.ts';

const WORDS = ['accept', 'error', 'reject', ...REPLY_PROBLEMS, 'none', 'failure', 'other'];

/** Codes of protocols are capitals and digits; a word in small letters is one of ours or mistyped. */
export const replyKey = {
  pattern: `^([A-Z0-9]{1,20}|[1-5]xx|failure[:~].+|${WORDS.join('|')})$`,
  problem(key: string): string | undefined {
    const ours = WORDS.includes(key) || /^[1-5]xx$/.test(key) || /^failure[:~]./.test(key);
    if (isReplyKey(key) && (ours || !/[a-z]/.test(key))) return undefined;
    return `${key} is neither a code nor a known word. ${suggestion(key, WORDS)}`.trimEnd();
  },
};

/** An action, or several: `warn` and `retry` with what happens in the end. */
export const replyActions: Form<string | readonly string[]> = {
  read(written, reading) {
    const items = written.kind === 'list' ? written.items : [written];
    const words = items.flatMap((item, index) => {
      const inside = written.kind === 'list' ? below(reading, index) : reading;
      return wordsOf(item).flatMap((word) => {
        if (isAction(word)) return [word];
        const what = word === '' ? 'must be an action' : `${word} is no action`;
        report(inside, item.place, what, suggestion(word, REPLY_ACTIONS));
        return [];
      });
    });
    if (words.length === 0) return undefined;
    const [what, remedy] = misfit(words) ?? [];
    if (what !== undefined) report(reading, written.place, what, remedy ?? '');
    return words.length === 1 ? words[0] : words;
  },
  schema: () => {
    const action = { enum: [...REPLY_ACTIONS] };
    return { anyOf: [action, { type: 'string' }, { type: 'array', items: action, minItems: 1 }] };
  },
};

/** What cannot be said with these actions together, and what to do. */
function misfit(words: readonly string[]): [string, string] | undefined {
  const twice = words.find((word, index) => words.indexOf(word) < index);
  if (twice !== undefined) return [`${twice} is named twice`, 'Name it once.'];
  const ends = words.filter((word) => word !== 'retry' && word !== 'warn');
  if (ends.length < 2) return undefined;
  const names = ends.join(' and ');
  return [
    `${names} cannot both become of a message`,
    'Keep one of them; warn and retry may stand with it.',
  ];
}

function wordsOf(written: Written): string[] {
  const text = written.kind === 'scalar' ? (textOf(written) ?? '') : '';
  return text.split(/[\s,]+/);
}

const isAction = (word: string): boolean => (REPLY_ACTIONS as readonly string[]).includes(word);
