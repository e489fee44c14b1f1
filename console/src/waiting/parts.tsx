import type { ReactElement } from 'react';
import { t } from '../language/translate.ts';

/** Milliseconds between two looks at what is kept. */
export const REFRESH = 10_000;

/** A key as far as it may be seen; there may be none. */
export function KeyText({ text }: { readonly text: string }): ReactElement {
  if (text === '') return <span className="text-xs text-ink-2">{t('all together')}</span>;
  return (
    <span className="font-mono text-xs break-all" translate="no">
      {text}
    </span>
  );
}

/** The name of a value, which only phones show: their rows have no heads. */
export const PhoneName = ({ name }: { readonly name: string }): ReactElement => (
  <span className="font-sans text-ink-2 md:hidden">{name}: </span>
);
