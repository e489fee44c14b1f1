import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { Certificates } from '../../../src/api/contract/storage.ts';
import { certificates as certificatesQuery } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { day } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { WaitingKeysPanel } from './waiting-keys.tsx';

type Certificate = Certificates['certificates'][number];

const DAY = 86_400_000;

const KINDS = {
  own: [t('Ours'), t('our own, sent to others')],
  peer: [t('Of peers'), t('those of others, received since the engine started')],
  authority: [t('Of authorities'), t('authorities trusted to sign the certificates of others')],
  'revocation-list': [
    t('Revocation lists'),
    t('with an outdated one, every certificate is refused'),
  ],
} as const satisfies Record<Certificate['kind'], readonly [string, string]>;

/** What expires: our certificates, those of peers and authorities, revocation lists. */
export function CertificatePage(): ReactElement {
  const may = useMay();
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
      {may('credential.manage') && <WaitingKeysPanel />}
      <Pending answer={data} error={error} />
      {data !== undefined && all.length === 0 && (
        <Nothing>{t('Nothing in this production has a certificate.')}</Nothing>
      )}
      {all.length > 0 && (
        <ListTable
          label={t('Certificates')}
          look="min-w-[52rem]"
          columns={[t('Ends'), t('Name'), t('Whose'), t('Certificate'), t('Used by'), t('Seen')]}
        >
          {all
            .toSorted((a, b) => urgencyOf(a) - urgencyOf(b))
            .map((certificate) => (
              <Row
                key={[certificate.kind, certificate.name, ...certificate.usedBy].join(' ')}
                certificate={certificate}
              />
            ))}
        </ListTable>
      )}
    </Page>
  );
}

/** What cannot be used comes first, then what ends first. */
const urgencyOf = ({ problem, ends }: Certificate): number =>
  problem === undefined ? (ends?.at ?? Number.POSITIVE_INFINITY) : 0;

function Row({ certificate }: { readonly certificate: Certificate }): ReactElement {
  const { kind, name, problem, chain, usedBy, ends, seen } = certificate;
  const [open, setOpen] = useState(false);
  const [whose, meaning] = KINDS[kind];
  return (
    <>
      <tr className="border-t border-line hover:bg-hover">
        <td className="px-3 py-1.5">{ends !== undefined && <Left ends={ends} />}</td>
        <th scope="row" className="px-3 py-1.5 font-normal break-words">
          <button
            type="button"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            className="inline-flex min-h-6 items-center gap-1 text-left text-accent hover:underline"
          >
            <ChevronRight
              size={14}
              className={`shrink-0 text-ink-3 ${open ? 'rotate-90' : ''}`}
              aria-hidden="true"
            />
            {name}
          </button>
        </th>
        <td className="px-3 py-1.5 text-xs text-ink-2" title={meaning}>
          {whose}
        </td>
        <td className="px-3 py-1.5 text-xs break-words">{chain[0]?.subject}</td>
        <td className="px-3 py-1.5 text-xs">
          {usedBy.length === 0
            ? t('used by no host')
            : usedBy.map((user) => <User key={user} name={user} />)}
        </td>
        <td className="px-3 py-1.5 text-xs text-ink-2" data-name={t('Seen')}>
          {seen === undefined ? '' : day(seen)}
        </td>
      </tr>
      {problem !== undefined && (
        <tr>
          <td colSpan={6} className="line px-3 pb-2 text-bad">
            {serverText(problem)}
          </td>
        </tr>
      )}
      {open && (
        <tr>
          <td colSpan={6} className="line bg-sunken px-3 py-1">
            <Chain chain={chain} />
          </td>
        </tr>
      )}
    </>
  );
}

/** The certificate, and those that came with it. */
function Chain({ chain }: Pick<Certificate, 'chain'>): ReactElement {
  return (
    <>
      {chain.map(({ subject, issuer, names, notBefore, notAfter, fingerprint }, index) => (
        <dl
          key={fingerprint}
          className="grid grid-cols-[6rem_minmax(0,1fr)] gap-y-0.5 border-t border-line py-2 text-xs first-of-type:border-0"
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
    </>
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
  const days = Math.floor((at - serverNow()) / DAY);
  return (
    <span className={`text-xs ${TONE[state]}`}>
      {state === 'ended'
        ? t('ended {day}', { day: day(at) })
        : t('{day}, in {count} {count|day|days}', { day: day(at), count: days })}
    </span>
  );
}
