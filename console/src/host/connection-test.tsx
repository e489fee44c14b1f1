import { useMutation } from '@tanstack/react-query';
import { CircleCheck, CircleX, Minus, Stethoscope } from 'lucide-react';
import type { ReactElement } from 'react';
import type { TestReport } from '../../../src/api/contract/host.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { duration } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const RESULTS = {
  passed: { icon: CircleCheck, style: 'text-good', word: t('passed') },
  failed: { icon: CircleX, style: 'text-bad', word: t('failed') },
  skipped: { icon: Minus, style: 'text-idle', word: t('skipped') },
} as const satisfies Record<TestReport['steps'][number]['result'], unknown>;

/** Tries the connection in steps and says at which it fails, why, and what to do. No message is moved. */
export function ConnectionTest({ host }: { readonly host: string }): ReactElement | null {
  const may = useMay();
  const test = useMutation({
    mutationFn: () => ask<TestReport>(`hosts/${encodeURIComponent(host)}/test`, { method: 'POST' }),
  });
  if (!may('connection.test')) return null;
  return (
    <Panel
      title={t('Connection')}
      actions={
        <Button disabled={test.isPending} onClick={() => test.mutate()}>
          <Stethoscope size={14} aria-hidden="true" />{' '}
          {test.isPending ? t('Testing…') : t('Test connection')}
        </Button>
      }
    >
      <div role="status">
        {test.isError && <Problem error={test.error} />}
        {test.data === undefined && !test.isError && (
          <p className="text-ink-2">
            {t('The test connects as the host does, step by step, and moves no message.')}
          </p>
        )}
        <ol className="flex flex-col gap-2">
          {test.data?.steps.map(({ name, result, detail, cause, remedy, took }) => {
            const { icon: Icon, style, word } = RESULTS[result];
            return (
              <li key={name} className="flex gap-2">
                <Icon size={16} className={`mt-0.5 shrink-0 ${style}`} aria-hidden="true" />
                <div className="min-w-0 text-xs">
                  <p>
                    <span className="text-sm font-medium">{name}</span>{' '}
                    <span className={style}>{word}</span>{' '}
                    <span className="text-ink-3">{duration(took)}</span>
                  </p>
                  {detail !== undefined && <p className="break-words text-ink-2">{detail}</p>}
                  {cause !== undefined && <p className="break-words text-bad">{cause}</p>}
                  {remedy !== undefined && <p className="break-words">{remedy}</p>}
                </div>
              </li>
            );
          })}
        </ol>
      </div>
    </Panel>
  );
}
