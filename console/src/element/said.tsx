import type { ReactElement } from 'react';
import { t } from '../language/translate.ts';

/** The receiver's own text about a failure, separate from ours. */
export function Said({ words }: { readonly words: string | undefined }): ReactElement | null {
  if (words === undefined || words === '') return null;
  return (
    <p className="mt-0.5 break-words whitespace-pre-line">
      <span className="text-ink-2">{t('The receiver says:')}</span> <q>{words}</q>
    </p>
  );
}
