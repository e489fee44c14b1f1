import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { Panel } from '../element/page.tsx';
import { Segments } from '../element/segments.tsx';
import { t } from '../language/translate.ts';
import { RateFigure } from './rate-figure.tsx';

const HOUR = 3_600_000;

const SPANS = {
  hour: { length: HOUR, step: 60_000, hours: 2 },
  day: { length: 24 * HOUR, step: HOUR, hours: 25 },
} as const;

type Span = keyof typeof SPANS;

interface RatePanelProps {
  readonly title: string;
  readonly host?: string;
  readonly among?: ReadonlySet<string>;
  /** Between heading and chart. */
  readonly children?: ReactNode;
}

/** What came in the last hour or day, beside the same time a week ago and the same hour of other days. */
export function RatePanel({ title, host, among, children }: RatePanelProps): ReactElement {
  const { span: asked } = useSearch({ strict: false });
  const navigate = useNavigate();
  const span: Span = asked === 'day' ? 'day' : 'hour';
  const choose = (next: Span): void =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, span: next === 'day' ? next : undefined }),
      resetScroll: false,
    });
  return (
    <Panel
      title={title}
      actions={
        <Segments<Span>
          label={t('Time shown')}
          options={[
            ['hour', t('1 hour')],
            ['day', t('24 hours')],
          ]}
          selected={span}
          onSelect={choose}
        />
      }
    >
      {children}
      <RateFigure
        {...SPANS[span]}
        {...(host === undefined ? {} : { host })}
        {...(among === undefined ? {} : { among })}
      />
    </Panel>
  );
}
