import type { ReactElement } from 'react';
import { Modal } from '../element/modal.tsx';
import { PLACES } from './places.ts';

const EVERYWHERE: readonly (readonly [string, string])[] = [
  ['ctrl k', 'find by MRN, control id, message id'],
  ['?', 'this help'],
  ['esc', 'close what is open'],
];
const LISTS: readonly (readonly [string, string])[] = [
  ['/', 'to the filters'],
  ['j k', 'down, up'],
  ['enter', 'open the trace'],
  ['o', 'open the message'],
  ['x', 'mark for an act on many'],
  ['l', 'live on, off'],
  ['.', 'show new messages'],
];
const MESSAGE: readonly (readonly [string, string])[] = [
  ['j k', 'next, previous step'],
  ['enter', 'open the message'],
  ['p n', 'previous, next of what was found'],
  ['d', 'difference to what came before'],
  ['r', 'resend'],
  ['e', 'edit and resend'],
  ['t', 'diagram or table'],
  ['w', 'where the time went'],
];

/** What every key does. */
export function KeyboardHelp({ onClose }: { readonly onClose: () => void }): ReactElement {
  const pages = PLACES.flat().map(({ key, label }) => [`g ${key}`, label] as const);
  return (
    <Modal title="Keyboard" onClose={onClose} wide>
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        <Keys title="Everywhere" keys={EVERYWHERE} />
        <Keys title="Lists" keys={LISTS} />
        <Keys title="Trace and message" keys={MESSAGE} />
        <Keys title="Go to" keys={pages} />
      </div>
    </Modal>
  );
}

function Keys({
  title,
  keys,
}: {
  readonly title: string;
  readonly keys: readonly (readonly [string, string])[];
}): ReactElement {
  return (
    <section>
      <h3 className="mb-1.5 text-xs font-semibold text-ink-2">{title}</h3>
      <dl className="grid grid-cols-[5rem_1fr] gap-y-1.5">
        {keys.map(([key, what]) => (
          <div key={key} className="contents">
            <dt className="flex gap-1">
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
