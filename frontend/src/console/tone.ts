/** Two short tones, made by the browser itself. */

const PITCHES = [880, 660] as const
const LENGTH = 0.22
const LOUDNESS = 0.25

export class Tone {
  private context: AudioContext | null = null

  /** To be called from a click; says whether the browser lets the page sound. */
  async open(): Promise<boolean> {
    this.context ??= new AudioContext()
    await this.context.resume()
    return this.context.state === 'running'
  }

  sound(): void {
    const { context } = this
    if (!context) return
    PITCHES.forEach((pitch, i) => {
      const begins = context.currentTime + i * LENGTH * 1.2
      const oscillator = new OscillatorNode(context, { frequency: pitch, type: 'triangle' })
      const volume = new GainNode(context, { gain: 0 })
      // Without its slopes a tone would click.
      volume.gain.setTargetAtTime(LOUDNESS, begins, 0.01)
      volume.gain.setTargetAtTime(0, begins + LENGTH * 0.8, 0.03)
      oscillator.connect(volume).connect(context.destination)
      oscillator.start(begins)
      oscillator.stop(begins + LENGTH * 1.2)
    })
  }
}
