// The emoji short codes a release bot is likely to use; an unknown one stays as typed, like in Slack.
const TABLE = `
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_multiplication_x ✖️|no_entry ⛔|no_entry_sign 🚫
warning ⚠️|rotating_light 🚨|exclamation ❗|question ❓|bangbang ‼️|information_source ℹ️|sos 🆘|octagonal_sign 🛑
hourglass ⌛|hourglass_flowing_sand ⏳|alarm_clock ⏰|stopwatch ⏱️|clock1 🕐|clock3 🕒|clock9 🕘|watch ⌚|calendar 📆|date 📅|spiral_calendar_pad 🗓️
rocket 🚀|package 📦|inbox_tray 📥|outbox_tray 📤|arrow_down ⬇️|arrow_up ⬆️|arrow_right ➡️|arrow_left ⬅️|arrows_counterclockwise 🔄|arrow_heading_down ⤵️|repeat 🔁
iphone 📱|calling 📲|apple 🍎|green_apple 🍏|robot_face 🤖|computer 💻|desktop_computer 🖥️|tv 📺|video_game 🎮|floppy_disk 💾|cd 💿
link 🔗|lock 🔒|unlock 🔓|key 🔑|closed_lock_with_key 🔐|shield 🛡️|ticket 🎫|label 🏷️|bookmark 🔖|paperclip 📎|pushpin 📌|round_pushpin 📍
bell 🔔|no_bell 🔕|mute 🔇|loudspeaker 📢|mega 📣|speech_balloon 💬|envelope ✉️|email 📧|memo 📝|pencil ✏️|pencil2 ✏️|page_facing_up 📄|scroll 📜|clipboard 📋|card_index 📇
file_folder 📁|open_file_folder 📂|books 📚|newspaper 📰|bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|abacus 🧮|mag 🔍|mag_right 🔎
wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|nut_and_bolt 🔩|construction 🚧|bug 🐛|beetle 🐞|bulb 💡|fire 🔥|boom 💥|zap ⚡|sparkles ✨|star ⭐|star2 🌟|tada 🎉|confetti_ball 🎊|gift 🎁|trophy 🏆|medal 🏅|100 💯
thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎|wave 👋|clap 👏|raised_hands 🙌|pray 🙏|muscle 💪|eyes 👀|point_right 👉|point_down 👇|point_up ☝️|ok_hand 👌|handshake 🤝
smile 😄|slightly_smiling_face 🙂|grin 😁|joy 😂|wink 😉|thinking_face 🤔|neutral_face 😐|confused 😕|disappointed 😞|cry 😢|sob 😭|scream 😱|sunglasses 😎|heart_eyes 😍|sleeping 😴|zzz 💤|see_no_evil 🙈
heart ❤️|broken_heart 💔|green_heart 💚|blue_heart 💙|yellow_heart 💛|purple_heart 💜
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|large_purple_circle 🟣|white_circle ⚪|black_circle ⚫|black_small_square ▪️|white_small_square ▫️|large_green_square 🟩|large_red_square 🟥|small_blue_diamond 🔹|small_orange_diamond 🔸|radio_button 🔘
seedling 🌱|evergreen_tree 🌲|palm_tree 🌴|four_leaf_clover 🍀|deciduous_tree 🌳|herb 🌿|sunny ☀️|cloud ☁️|umbrella ☔|snowflake ❄️|rainbow 🌈|ocean 🌊|earth_africa 🌍|earth_americas 🌎|globe_with_meridians 🌐
bust_in_silhouette 👤|busts_in_silhouette 👥|man 👨|woman 👩|family 👪|house 🏠|office 🏢|factory 🏭|hospital 🏥|airplane ✈️|car 🚗|truck 🚚|ship 🚢|anchor ⚓|checkered_flag 🏁|triangular_flag_on_post 🚩|twisted_rightwards_arrows 🔀|wastebasket 🗑️|coffee ☕|beer 🍺|pizza 🍕|cake 🎂|ghost 👻|skull 💀|alien 👽|crystal_ball 🔮|microscope 🔬|telescope 🔭|test_tube 🧪|dart 🎯|recycle ♻️|new 🆕|up 🆙|free 🆓|cool 🆒|ok 🆗|heavy_plus_sign ➕|heavy_minus_sign ➖|play_or_pause_button ⏯️|double_vertical_bar ⏸️|arrow_forward ▶️|fast_forward ⏩|rewind ⏪
`;
const BY_NAME = new Map(
  TABLE.trim()
    .split(/[|\n]/)
    .map((entry) => entry.trim().split(" ")),
);

export const emoji = (name) => BY_NAME.get(name.split("::")[0]) || null;
export const emojis = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => emoji(name) || all);
