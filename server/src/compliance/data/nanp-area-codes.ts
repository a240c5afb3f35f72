/** Area codes of a state or province that share their zones. Several zones: the code crosses a line. */
export interface AreaCodes {
  /** `US-FL`. */
  region: string;
  zones: readonly string[];
  codes: readonly string[];
}

const EASTERN = ['America/New_York'];
const CENTRAL = ['America/Chicago'];
const MOUNTAIN = ['America/Denver'];
const PACIFIC = ['America/Los_Angeles'];
const EASTERN_CENTRAL = [...EASTERN, ...CENTRAL];
const CENTRAL_MOUNTAIN = [...CENTRAL, ...MOUNTAIN];
const MOUNTAIN_PACIFIC = [...MOUNTAIN, ...PACIFIC];

function area(region: string, zones: readonly string[], codes: string): AreaCodes {
  return { region, zones, codes: codes.trim().split(/\s+/) };
}

/** Geographic area codes of the United States and Canada. */
export const NANP_AREA_CODES: readonly AreaCodes[] = [
  area('US-AL', CENTRAL, '205 251 256 334 659 938'),
  area('US-AK', ['America/Anchorage', 'America/Adak'], '907'),
  area('US-AZ', ['America/Phoenix'], '480 520 602 623'),
  // The Navajo Nation keeps summer time.
  area('US-AZ', ['America/Phoenix', ...MOUNTAIN], '928'),
  area('US-AR', CENTRAL, '327 479 501 870'),
  area(
    'US-CA',
    PACIFIC,
    `209 213 279 310 323 341 350 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707
     714 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951`,
  ),
  area('US-CO', MOUNTAIN, '303 719 720 970 983'),
  area('US-CT', EASTERN, '203 475 860 959'),
  area('US-DE', EASTERN, '302'),
  area('US-DC', EASTERN, '202 771'),
  area(
    'US-FL',
    EASTERN,
    '239 305 321 324 352 386 407 561 645 656 689 727 728 754 772 786 813 863 904 941 954',
  ),
  area('US-FL', EASTERN_CENTRAL, '448 850'),
  area('US-GA', EASTERN, '229 404 470 478 678 706 762 770 912 943'),
  area('US-HI', ['Pacific/Honolulu'], '808'),
  area('US-ID', MOUNTAIN_PACIFIC, '208 986'),
  area(
    'US-IL',
    CENTRAL,
    '217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872',
  ),
  area('US-IN', CENTRAL, '219'),
  area('US-IN', EASTERN, '260 317 463 765'),
  area('US-IN', EASTERN_CENTRAL, '574 812 930'),
  area('US-IA', CENTRAL, '319 515 563 641 712'),
  area('US-KS', CENTRAL, '316 913'),
  area('US-KS', CENTRAL_MOUNTAIN, '620 785'),
  area('US-KY', EASTERN, '502 859'),
  area('US-KY', EASTERN_CENTRAL, '270 364 606'),
  area('US-LA', CENTRAL, '225 318 337 457 504 985'),
  area('US-ME', EASTERN, '207'),
  area('US-MD', EASTERN, '227 240 301 410 443 667'),
  area('US-MA', EASTERN, '339 351 413 508 617 774 781 857 978'),
  area('US-MI', EASTERN, '231 248 269 313 517 586 616 679 734 810 947 989'),
  area('US-MI', EASTERN_CENTRAL, '906'),
  area('US-MN', CENTRAL, '218 320 507 612 651 763 924 952'),
  area('US-MS', CENTRAL, '228 471 601 662 769'),
  area('US-MO', CENTRAL, '235 314 417 557 573 636 660 816 975'),
  area('US-MT', MOUNTAIN, '406'),
  area('US-NE', CENTRAL, '402 531'),
  area('US-NE', CENTRAL_MOUNTAIN, '308'),
  area('US-NV', PACIFIC, '702 725'),
  area('US-NV', MOUNTAIN_PACIFIC, '775'),
  area('US-NH', EASTERN, '603'),
  area('US-NJ', EASTERN, '201 551 609 640 732 848 856 862 908 973'),
  area('US-NM', MOUNTAIN, '505 575'),
  area(
    'US-NY',
    EASTERN,
    `212 315 329 332 347 363 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934`,
  ),
  area('US-NC', EASTERN, '252 336 472 704 743 828 910 919 980 984'),
  area('US-ND', CENTRAL_MOUNTAIN, '701'),
  area('US-OH', EASTERN, '216 220 234 283 326 330 380 419 436 440 513 567 614 740 937'),
  area('US-OK', CENTRAL, '405 539 572 580 918'),
  area('US-OR', PACIFIC, '503 971'),
  area('US-OR', MOUNTAIN_PACIFIC, '458 541'),
  area(
    'US-PA',
    EASTERN,
    '215 223 267 272 412 445 484 570 582 610 717 724 814 835 878',
  ),
  area('US-RI', EASTERN, '401'),
  area('US-SC', EASTERN, '803 821 839 843 854 864'),
  area('US-SD', CENTRAL_MOUNTAIN, '605'),
  area('US-TN', EASTERN, '865'),
  area('US-TN', EASTERN_CENTRAL, '423'),
  area('US-TN', CENTRAL, '615 629 731 901 931'),
  area(
    'US-TX',
    CENTRAL,
    `210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 936 940
     945 956 972 979`,
  ),
  area('US-TX', MOUNTAIN, '915'),
  area('US-UT', MOUNTAIN, '385 435 801'),
  area('US-VT', EASTERN, '802'),
  area('US-VA', EASTERN, '276 434 540 571 686 703 757 804 826 948'),
  area('US-WA', PACIFIC, '206 253 360 425 509 564'),
  area('US-WV', EASTERN, '304 681'),
  area('US-WI', CENTRAL, '262 274 353 414 534 608 715 920'),
  area('US-WY', MOUNTAIN, '307'),

  area('CA-AB', ['America/Edmonton'], '368 403 587 780 825'),
  area('CA-BC', ['America/Vancouver'], '604'),
  area('CA-BC', ['America/Vancouver', 'America/Edmonton'], '236 250 257 672 778'),
  area('CA-MB', ['America/Winnipeg'], '204 431 584'),
  area('CA-NB', ['America/Moncton'], '428 506'),
  area('CA-NL', ['America/St_Johns', 'America/Halifax'], '709 879'),
  area('CA-NS', ['America/Halifax'], '782 851 902'),
  area(
    'CA-ON',
    ['America/Toronto'],
    '226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 905 942',
  ),
  area('CA-ON', ['America/Toronto', 'America/Winnipeg'], '807'),
  area('CA-QC', ['America/Toronto'], '263 354 438 450 468 514 579 819 873'),
  // The Magdalen Islands keep Atlantic time.
  area('CA-QC', ['America/Toronto', 'America/Halifax'], '367 418 581'),
  area('CA-SK', ['America/Regina'], '306 474 639'),
  area(
    'CA-NT',
    ['America/Whitehorse', 'America/Edmonton', 'America/Winnipeg', 'America/Toronto'],
    '867',
  ),
];
