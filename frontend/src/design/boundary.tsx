/** Keeps one broken panel from taking the screen down, and tries it again. */

import { Component, type ComponentChildren } from 'preact'
import { w } from '../i18n/words'

const RETRY_AFTER = 15_000

interface Props {
  name: string
  children: ComponentChildren
}

export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false }
  private timer: number | undefined

  override componentDidCatch(error: unknown): void {
    console.error('panel failed', this.props.name, error)
    this.setState({ failed: true })
    window.clearTimeout(this.timer)
    this.timer = window.setTimeout(() => this.setState({ failed: false }), RETRY_AFTER)
  }

  override componentWillUnmount(): void {
    window.clearTimeout(this.timer)
  }

  render() {
    if (this.state.failed) {
      return (
        <section class="panel broken" data-testid={`broken-${this.props.name}`}>
          {w().retryNote}
        </section>
      )
    }
    return this.props.children
  }
}
