import { readSchedule } from '../../time/schedule.ts';
import { type Form, report } from '../form/form.ts';
import { textAt } from '../form/setting-form.ts';
import { splitProblem } from '../problem.ts';

/** A text in a notation of its own; `problem` says what is wrong with it. */
function checkedText(
  problem: (text: string) => string | undefined,
  pattern?: string,
): Form<string> {
  return {
    read(written, reading) {
      const text = textAt(written, reading);
      const found = text === undefined ? undefined : problem(text);
      if (found === undefined) return text;
      const { what, remedy } = splitProblem(found);
      return report(reading, written.place, what, remedy);
    },
    schema: () => ({ type: 'string', ...(pattern === undefined ? {} : { pattern }) }),
  };
}

/** `mon-fri 06:00-20:00 Europe/Berlin`. */
export const scheduleForm = checkedText((text) => {
  const read = readSchedule(text);
  return 'problem' in read ? read.problem : undefined;
});

const TIME = '([01]\\d|2[0-3]):[0-5]\\d';
const QUIET = `^${TIME}-${TIME}$`;

/** `22:00-06:00`: a time of day that may go past midnight. */
export const quietForm = checkedText(
  (text) =>
    new RegExp(QUIET).test(text) ? undefined : 'must be two times of day, such as 22:00-06:00',
  QUIET,
);
