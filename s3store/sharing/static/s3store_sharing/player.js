// Plays films and sound from the bucket. A signed URL ends, and browsers ask the URL to which they were redirected for
// every further part. So the stable URL is loaded again when a part is needed after that: the site checks the
// permission once more, and playing goes on at the same position. Without this script, the site sends the content.

for (const player of document.querySelectorAll("[data-s3store-player]")) {
  const url = player.dataset.s3storePlayer;
  const seconds = Number(player.dataset.seconds);
  let loaded = 0;
  let failed = 0;
  let position = 0;
  let playing = false;

  const isOld = () => performance.now() - loaded > seconds * 1000;

  const has = (time) => {
    for (let number = 0; number < player.buffered.length; number++) {
      if (player.buffered.start(number) <= time && time < player.buffered.end(number)) return true;
    }
    return false;
  };

  const load = (source) => {
    const [at, wasPlaying] = [position, playing];
    loaded = performance.now();
    player.src = source;
    player.addEventListener(
      "loadedmetadata",
      () => {
        if (at) player.currentTime = at;
        if (wasPlaying) player.play();
      },
      { once: true },
    );
  };

  const renew = () => {
    if (isOld() && !has(player.currentTime)) load(url);
  };

  player.addEventListener("play", () => (playing = true));
  player.addEventListener("pause", () => {
    // Loading pauses too, and is no wish of anybody.
    if (player.readyState) playing = false;
  });
  player.addEventListener("timeupdate", () => {
    if (!player.readyState) return;
    position = player.currentTime;
    failed = 0;
  });
  player.addEventListener("seeking", () => {
    position = player.currentTime;
    renew();
  });
  player.addEventListener("waiting", renew);
  player.addEventListener("stalled", renew);
  player.addEventListener("error", () => {
    failed += 1;
    if (failed === 1) load(url);
    // It is not the age of the URL: the bucket cannot be reached from here.
    if (failed === 2) load(`${url}?stream`);
  });

  player.hidden = false;
  load(url);
}
