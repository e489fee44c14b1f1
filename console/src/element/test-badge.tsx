import { FlaskConical } from 'lucide-react';
import type { ReactElement } from 'react';
import { t } from '../language/translate.ts';

/** Says that a message, or the one it was made from, was sent by a person as a test; nothing for any other. */
export function TestBadge({ by }: { readonly by: string | undefined }): ReactElement | null {
  if (by === undefined) return null;
  return (
    <span
      className="inline-flex shrink-0 items-center gap-1 rounded bg-warn-soft px-1.5 text-2xs font-medium text-warn"
      title={t('sent by {name} as a test', { name: by })}
    >
      <FlaskConical size={11} aria-hidden="true" /> {t('test ## message')}
    </span>
  );
}
