import { type ReactElement, useState } from 'react';
import { Modal } from '../element/modal.tsx';
import { t } from '../language/translate.ts';
import { hasSingleKeys, switchSingleKeys } from './hot-keys.ts';
import { PLACES } from './places.ts';

/** Keys that have another name on a keyboard of the language. */
const KEY_NAMES: Readonly<Record<string, string>> = { ctrl: t('ctrl'), enter: t('enter') };

const EVERYWHERE: readonly (readonly [string, string])[] = [
  ['ctrl k', t('find by MRN, control id, message id')],
  ['?', t('this help')],
  ['esc', t('close what is open')],
];
const LISTS: readonly (readonly [string, string])[] = [
  ['/', t('to the filters')],
  ['j k', t('down, up')],
  ['enter', t('open the trace')],
  ['o', t('open the message')],
  ['x', t('mark for an act on many')],
  ['l', t('live on, off')],
  ['.', t('show new messages')],
];
const MESSAGE: readonly (readonly [string, string])[] = [
  ['j k', t('next, previous step')],
  ['enter', t('open the message')],
  ['p n', t('previous, next of what was found')],
  ['d', t('difference to what came before')],
  ['r', t('resend')],
  ['e', t('edit and resend')],
  ['t', t('diagram or table')],
  ['w', t('where the time went')],
];

/** What every key does. */
export function KeyboardHelp({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [single, setSingle] = useState(hasSingleKeys);
  const pages = PLACES.flat().map(({ key, label }) => [`g ${key}`, label] as const);
  return (
    <Modal title={t('Keyboard')} onClose={onClose} wide>
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        <Keys title={t('Everywhere')} keys={EVERYWHERE} />
        <Keys title={t('Lists')} keys={LISTS} />
        <Keys title={t('Trace and message')} keys={MESSAGE} />
        <Keys title={t('Go to')} keys={pages} />
      </div>
      <label className="mt-5 flex min-h-7 items-center gap-2 border-t border-line pt-3">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          checked={single}
          onChange={({ target }) => {
            switchSingleKeys(target.checked);
            setSingle(target.checked);
          }}
        />
        {t('Keys that are pressed alone work on this machine')}
      </label>
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
            <dt className="flex items-start gap-1">
              {key.split(' ').map((one) => (
                <kbd key={one}>{KEY_NAMES[one] ?? one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
