import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Certificates } from '../../../src/api/contract/storage.ts';
import { certificates as certificatesQuery } from '../api/queries.ts';
import { buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { day } from '../element/time-text.ts';
import { rich, t } from '../language/translate.ts';

type Certificate = Certificates['certificates'][number];

const DAY = 86_400_000;

const GROUPS = [
  ['own', t('Ours'), t('our own, sent to others')],
  ['peer', t('Of peers'), t('those of others, received since the engine started')],
  ['authority', t('Of authorities'), t('authorities trusted to sign the certificates of others')],
  [
    'revocation-list',
    t('Revocation lists'),
    t('with an outdated one, every certificate is refused'),
  ],
] as const;

/** What expires: our certificates, those of peers and authorities, revocation lists. */
export function CertificatePage(): ReactElement {
  const { data, error } = useQuery(certificatesQuery);
  const all = data?.certificates ?? [];
  const soon = all.filter(({ ends, problem }) => problem !== undefined || ends?.state !== 'good');
  return (
    <Page
      title={t('Certificates')}
      detail={
        data !== undefined &&
        (soon.length === 0
          ? t('{count}; none needs attention', { count: all.length })
          : t('{some} of {count} need attention', { some: soon.length, count: all.length }))
      }
      actions={
        <Link to="/workbench" className={buttonStyle()}>
          {t('Workbench')}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && all.length === 0 && (
        <Nothing>{t('Nothing in this production has a certificate.')}</Nothing>
      )}
      {GROUPS.map(([kind, title, what]) => (
        <Group
          key={kind}
          title={title}
          what={what}
          certificates={all.filter((one) => one.kind === kind)}
        />
      ))}
    </Page>
  );
}

function Group({
  title,
  what,
  certificates,
}: {
  readonly title: string;
  readonly what: string;
  readonly certificates: readonly Certificate[];
}): ReactElement | null {
  if (certificates.length === 0) return null;
  const endOf = ({ ends }: Certificate): number => ends?.at ?? 0;
  return (
    <section className="mb-5" aria-label={title}>
      <h2 className="mb-2">
        {title} <span className="text-xs font-normal text-ink-2">{what}</span>
      </h2>
      <div className="flex flex-col gap-3">
        {certificates
          .toSorted((a, b) => endOf(a) - endOf(b))
          .map((certificate) => (
            <Card
              key={[certificate.name, ...certificate.usedBy].join(' ')}
              certificate={certificate}
            />
          ))}
      </div>
    </section>
  );
}

function Card({
  certificate: { name, problem, chain, usedBy, ends, seen },
}: {
  readonly certificate: Certificate;
}): ReactElement {
  return (
    <article className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
        <h3 className="break-words">{name}</h3>
        {ends !== undefined && <Left ends={ends} />}
        <span className="text-xs text-ink-2">
          {usedBy.length === 0
            ? t('used by no host')
            : rich('used by {users}', {
                users: usedBy.map((user) => <User key={user} name={user} />),
              })}
        </span>
        {seen !== undefined && (
          <span className="text-xs text-ink-2">{t('seen {day}', { day: day(seen) })}</span>
        )}
      </div>
      {problem !== undefined && <p className="px-3 py-2 text-bad">{problem}</p>}
      {chain.map(({ subject, issuer, names, notBefore, notAfter, fingerprint }, index) => (
        <dl
          key={fingerprint}
          className="grid grid-cols-[6rem_minmax(0,1fr)] gap-y-0.5 border-t border-line px-3 py-2 text-xs first-of-type:border-0"
        >
          <dt className="text-ink-2">{index === 0 ? t('Certificate') : t('With it')}</dt>
          <dd className="font-medium break-words">{subject}</dd>
          <dt className="text-ink-2">{t('Valid')}</dt>
          <dd>{t('{from} to {until}', { from: day(notBefore), until: day(notAfter) })}</dd>
          {names.length > 0 && (
            <>
              <dt className="text-ink-2">{t('Names')}</dt>
              <dd className="break-words">{names.join(', ')}</dd>
            </>
          )}
          <dt className="text-ink-2">{t('Issued by')}</dt>
          <dd className="break-words">{issuer}</dd>
          <dt className="text-ink-2">{t('Fingerprint')}</dt>
          <dd className="flex items-center gap-1 font-mono text-2xs break-all">
            {fingerprint} <CopyButton text={fingerprint} label={t('Copy the fingerprint')} />
          </dd>
        </dl>
      ))}
    </article>
  );
}

/** A host, or a credential that contacted its token server. */
function User({ name }: { readonly name: string }): ReactElement {
  if (name.includes(' ')) return <span className="mr-1.5">{name}</span>;
  return (
    <Link to="/hosts/$host" params={{ host: name }} className="mr-1.5 text-accent underline">
      {name}
    </Link>
  );
}

const TONE = {
  good: 'text-ink-2',
  soon: 'font-semibold text-warn',
  urgent: 'font-semibold text-bad',
  ended: 'font-semibold text-bad',
} as const;

function Left({
  ends: { at, state },
}: {
  readonly ends: NonNullable<Certificate['ends']>;
}): ReactElement {
  const days = Math.floor((at - Date.now()) / DAY);
  return (
    <span className={`text-xs ${TONE[state]}`}>
      {state === 'ended'
        ? t('ended {day}', { day: day(at) })
        : t('expires {day}, in {count} {count|day|days}', { day: day(at), count: days })}
    </span>
  );
}
