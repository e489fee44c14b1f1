import { Unplug } from 'lucide-react';
import { type ReactElement, useEffect } from 'react';
import { Button } from '../element/button.tsx';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { lastAnswer } from './last-answer.ts';

/** In place of every page, if the server did not answer since the page was opened. It opens by itself once it does. */
export function Unreachable({ onAgain }: { readonly onAgain: () => void }): ReactElement {
  const last = lastAnswer();
  useEffect(() => {
    document.title = `${t('Waybill does not answer')} · Waybill`;
  }, []);
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-full max-w-md rounded-xl border border-line bg-surface p-6 shadow-float">
        <Unplug size={28} aria-hidden="true" className="text-warn" />
        <h1 className="mt-3 mb-2">{t('Waybill does not answer')}</h1>
        <p role="status">
          {last === undefined
            ? t('It has not answered in this browser yet.')
            : rich('It last answered at {time}.', { time: <When at={last} as="recent" /> })}{' '}
          {t('There is nothing to show of it until it does; this page then opens by itself.')}
        </p>
        <p className="mt-2 text-ink-2">
          {t(
            'Messages do not need the console: the engine takes and sends them while only the console is away.',
          )}
        </p>
        <Button className="mt-4" onClick={onAgain}>
          {t('Try now')}
        </Button>
      </div>
    </main>
  );
}
