import { Unplug } from 'lucide-react';
import type { ReactElement } from 'react';
import { useIsLive, useLiveStream } from '../api/live-stream.ts';
import { t } from '../language/translate.ts';

/** Follows the live stream while it is shown, and says when it cannot: what is shown may then be some seconds old. */
export function LiveStatus(): ReactElement | null {
  useLiveStream();
  if (useIsLive()) return null;
  return (
    <span
      role="status"
      className="inline-flex items-center gap-1 rounded bg-warn-soft px-1.5 text-xs font-medium whitespace-nowrap text-warn"
      title={t(
        'The live stream is interrupted and will reconnect; until then pages refresh every few seconds.',
      )}
    >
      <Unplug size={13} aria-hidden="true" />{' '}
      <span className="max-sm:sr-only">{t('not live')}</span>
    </span>
  );
}
