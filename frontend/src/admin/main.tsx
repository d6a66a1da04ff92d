/** Administration: what runs here, and how its feeds fare; changes are made by commands. */

import { render } from 'preact'
import '../design/design.css'
import '../design/page.css'
import { Age } from '../design/age'
import { PageFrame } from '../design/page'
import { number } from '../i18n/format'
import { domainWord, markLanguage, say, stateWord, w } from '../i18n/words'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import { FreshnessMark } from '../panels/feeds'
import { Letters } from './letters'

const COMMANDS = `ioc feed add FEED --agency AGENCY
ioc feed key FEED
ioc user add NAME --role ROLE --password-stdin
ioc city check
ioc doctor`

const centre = new Centre(false).follow('feeds')

function Admin() {
  const words = w()
  const city = centre.city.value
  const me = centre.me.value
  return (
    <PageFrame centre={centre} title={words.adminTitle} sub={city?.province.name ?? ''}>
      <section class="panel">
        <header class="panel-head">
          <h2>{words.centre}</h2>
        </header>
        {city && me ? (
          <dl class="about">
            <dt>{words.adminProvince}</dt>
            <dd>{city.province.name}</dd>
            <dt>{words.adminVersion}</dt>
            <dd>{city.version}</dd>
            <dt>{words.adminZone}</dt>
            <dd>{city.time_zone}</dd>
            <dt>{words.adminLayers}</dt>
            <dd>{city.layers.map((layer) => say(layer.name)).join(', ')}</dd>
            <dt>{words.adminYou}</dt>
            <dd>
              {me.full_name} ({me.role})
            </dd>
          </dl>
        ) : (
          <p class="caption pad">{words.loading}</p>
        )}
        <p class="caption pad">{words.adminCommands}</p>
        <pre>{COMMANDS}</pre>
      </section>
      <section class="panel">
        <header class="panel-head">
          <h2>{words.feeds}</h2>
        </header>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>{words.colFeed}</th>
                <th>{words.colAgency}</th>
                <th>{words.colDomain}</th>
                <th>{words.colState}</th>
                <th>{words.colLast}</th>
                <th class="n">{words.colHour}</th>
                <th class="n">{words.colQuarantined}</th>
                <th class="n">{words.colSeries}</th>
              </tr>
            </thead>
            <tbody>
              {centre.feeds.read().map((feed) => {
                const state = feedFreshness(feed, tick.value)
                return (
                  <tr key={feed.id} data-testid={`feed-${feed.id}`} data-state={state}>
                    <td>
                      <a href={`/agency?feed=${encodeURIComponent(feed.id)}`}>{feed.name}</a>
                      <div class="caption">
                        <code>{feed.id}</code>
                      </div>
                    </td>
                    <td>{feed.agency.name}</td>
                    <td>{domainWord(feed.domain)}</td>
                    <td>
                      <FreshnessMark state={state} /> {stateWord(state)}
                    </td>
                    <td>
                      <Age time={feed.last_time ?? feed.last_received} state={state} always />
                    </td>
                    <td class="n">{number(feed.received_hour)}</td>
                    <td class="n">{number(feed.quarantined_hour)}</td>
                    <td class="n">{number(feed.series)}</td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      </section>
      {me && <Letters />}
    </PageFrame>
  )
}

markLanguage()
render(<Admin />, document.body)
